using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using Lamina.Boot.Signatures;
using Lamina.Platform;

namespace Lamina.Cli;

/// <summary>The options that name a key to sign with.</summary>
internal sealed class SignatureArguments
{
    private readonly Option<string> _key;

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
    private readonly bool _isForBoot;

    /// <summary>Adds the options to a verb.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="session">Where warnings go.</param>
    /// <param name="isForBoot">Whether firmware is to take the signature, and not Lamina's /init.</param>
    public SignatureArguments(Verb verb, Session session, bool isForBoot = false)
    {
        _session = session;
        _isForBoot = isForBoot;
        string what = isForBoot ? "the image, for Secure Boot," : "the root hash";
        _key = new Option<string>(isForBoot ? "--sign" : "--key")
        {
            HelpName = "FILE",
            Description = $"Sign {what} with this private key: PEM, or PKCS#12 with the certificate in it",
        };
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
                : throw new UsageException($"--certificate without {_key.Name}", $"Name the key to sign with: {_key.Name} FILE");
        }
        string? password = arguments.GetValue(_password) is { } file ? HostFile.ReadLines(file).FirstOrDefault("") : null;
        X509Certificate2 signer = RootHashSignature.LoadSigner(certificate, key, password);
        if (!_isForBoot && SignatureCheck.FindUsageFault(signer) is { } fault)
            _session.Error.WriteLine($"lamina: warning: {fault}; lamina and its /init will not take the signature");
        return signer;
    }
}
