using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using Lamina.Boot.Signatures;
using Lamina.Platform;

namespace Lamina.Cli;

/// <summary>The options that name a key to sign with.</summary>
internal sealed class SignatureArguments
{
    private readonly Option<string> _key = new("--key")
    {
        HelpName = "FILE",
        Description = "Sign the root hash with this private key: PEM, or PKCS#12 with the certificate in it",
    };

    private readonly Option<string> _certificate = new("--certificate")
    {
        HelpName = "FILE",
        Description = "The certificate of the key, in PEM",
    };

    private readonly Option<string> _password = new("--password-file")
    {
        HelpName = "FILE",
        Description = "A file with the password of the key, in its first line",
    };

    private readonly Session _session;

    public SignatureArguments(Verb verb, Session session)
    {
        _session = session;
        verb.Add(_key);
        verb.Add(_certificate);
        verb.Add(_password);
        verb.OnlyWith(_key, _certificate, _password);
    }

    /// <summary>The certificate with its key; null if none was asked for.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <param name="outputs">What is going to be written, which must be none of the files that are read.</param>
    public X509Certificate2? Load(ParseResult arguments, params ReadOnlySpan<string?> outputs)
    {
        InputFiles inputs = new InputFiles().Add(arguments.GetValue(_key)).Add(arguments.GetValue(_certificate))
            .Add(arguments.GetValue(_password));
        foreach (string? output in outputs)
        {
            if (output is not null)
                inputs.Refuse(output);
        }
        string? certificate = arguments.GetValue(_certificate);
        if (arguments.GetValue(_key) is not { } key)
        {
            return certificate is null ? null
                : throw new UsageException("--certificate without --key", "Name the key to sign with: --key FILE");
        }
        string? password = arguments.GetValue(_password) is { } file ? HostFile.ReadLines(file).FirstOrDefault("") : null;
        X509Certificate2 signer = RootHashSignature.LoadSigner(certificate, key, password);
        if (SignatureCheck.FindUsageFault(signer) is { } fault)
            _session.Error.WriteLine($"lamina: warning: {fault}; lamina and its /init will not take the signature");
        return signer;
    }
}
