using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using Lamina.Boot.Signatures;

namespace Lamina.Cli;

/// <summary><c>lamina verity sign</c>: signs a root hash.</summary>
internal sealed class VeritySignVerb : Verb
{
    private readonly Option<string> _rootHash = VerityArguments.RootHash("The root hash to sign", isRequired: true);
    private readonly SignatureArguments _signer;
    private readonly Option<string> _output = new("--output", "-o")
    {
        HelpName = "FILE",
        Description = "Where the signature goes (PKCS#7, DER)",
        Required = true,
    };
    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace FILE if it exists" };

    public VeritySignVerb(Session session) : base(session, "sign",
        "Signs a root hash, as the kernel (root_hash_sig_key_desc) and systemd take it: PKCS#7 over its hex digits, detached.",
        "lamina verity sign --root-hash 4fd4... --key key.pem --certificate cert.pem -o root.p7s",
        "lamina verity sign --root-hash 4fd4... --key both.p12 --password-file secret -o root.p7s")
    {
        Add(_rootHash);
        _signer = new SignatureArguments(this, session);
        Add(_output);
        Add(_force);
    }

    protected override int Run(ParseResult arguments)
    {
        string output = arguments.GetRequiredValue(_output);
        using X509Certificate2 signer = _signer.Load(arguments, output)
            ?? throw new UsageException("there is no key to sign with", "Name one: --key FILE");
        byte[] rootHash = VerityArguments.ParseRootHash(arguments.GetRequiredValue(_rootHash));
        RootHashSignature.SignTo(rootHash, signer, output, arguments.GetValue(_force));
        Session.Summary.WriteLine($"{output}: signed by {signer.Subject}");
        return ExitCodes.Done;
    }
}
