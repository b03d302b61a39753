using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using Lamina.Images;
using Lamina.Verity;

namespace Lamina.Cli;

/// <summary><c>lamina verity format</c>: makes the tree of an image.</summary>
internal sealed class VerityFormatVerb : Verb
{
    private readonly Argument<string> _image = new("IMAGE") { Description = "An EROFS image, or any file; a file or a block device" };
    private readonly Option<string> _hashFile = VerityVerb.HashFileOption(
        "Write the tree to a file of its own. Without: behind the image, in the same file");
    private readonly VerityArguments _tree;
    private readonly SignatureArguments _signer;
    private readonly Option<string> _signature = new("--signature")
    {
        HelpName = "FILE",
        Description = "Where the signature goes (PKCS#7, DER)",
    };
    private readonly Option<bool> _force = new("--force", "-f")
    {
        Description = "Replace files, and bytes behind the image that are no tree",
    };
    private readonly Option<bool> _json = JsonOption();

    public VerityFormatVerb(Session session) : base(session, "format",
        "Makes a dm-verity hash tree and prints the root hash. veritysetup understands it. The same image gives the same root hash.",
        "lamina verity format root.erofs",
        "lamina verity format root.erofs --hash-file root.verity --salt 0123abcd",
        "lamina verity format root.erofs --key key.pem --certificate cert.pem --signature root.p7s",
        "lamina verity format root.erofs --json | jq -r .rootHash")
    {
        Add(_image);
        Add(_hashFile);
        _tree = new VerityArguments(this);
        _signer = new SignatureArguments(this);
        Add(_signature);
        Add(_force);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        string? hashFile = arguments.GetValue(_hashFile), signature = arguments.GetValue(_signature);
        using X509Certificate2? signer = _signer.Load(arguments);
        if (signer is null != signature is null)
            throw new UsageException("--key and --signature go together", "Name both, or neither.");
        using ProgressLine progress = new(Session, "hashing");
        VerityInfo info;
        using (Session.Interrupts.Writing(hashFile ?? image))
        {
            info = VerityImage.Format(image, new VerityFormatOptions
            {
                Tree = _tree.Options(arguments),
                HashFile = hashFile,
                Overwrites = arguments.GetValue(_force),
                Signer = signer,
                SignatureFile = signature,
                Progress = progress,
            });
        }
        progress.Dispose();
        VerityText text = new(info, image, hashFile);
        if (arguments.GetValue(_json))
            text.WriteJson(Output, writer => { if (signature is not null) writer.WriteString("signature", signature); });
        else
            text.Write(Output);
        if (signature is not null && !arguments.GetValue(_json))
            Output.WriteLine($"Signature:     {signature}, by {signer!.Subject}");
        return ExitCodes.Done;
    }
}
