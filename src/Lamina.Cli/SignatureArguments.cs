using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using Lamina.Verity;

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

    public SignatureArguments(Command verb)
    {
        verb.Add(_key);
        verb.Add(_certificate);
        verb.Add(_password);
    }

    /// <summary>The certificate with its key; null if none was asked for.</summary>
    public X509Certificate2? Load(ParseResult arguments)
    {
        string? certificate = arguments.GetValue(_certificate);
        if (arguments.GetValue(_key) is not { } key)
        {
            return certificate is null ? null
                : throw new UsageException("--certificate without --key", "Name the key to sign with: --key FILE");
        }
        string? password = arguments.GetValue(_password) is { } file ? File.ReadLines(file).FirstOrDefault("") : null;
        return RootHashSignature.LoadSigner(certificate, key, password);
    }
}
