using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Lamina.Boot.Signatures;
using Lamina.Images;
using Lamina.Platform;
using Lamina.Trust;

namespace Lamina.Cli;

/// <summary><c>lamina verity verify</c>: whether an image is what a root hash says, and who signed that.</summary>
internal sealed class VerityVerifyVerb : Verb
{
    private readonly Argument<string> _image = new("IMAGE") { Description = "The image" };
    private readonly Option<string> _rootHash = VerityArguments.RootHash("The root hash that is trusted", isRequired: true);
    private readonly Option<string> _hashFile = VerityVerb.HashFileOption(
        "The file that has the tree. Without: the image itself");
    private readonly Option<long?> _hashOffset = VerityVerb.HashOffsetOption();
    private readonly Option<string> _signature = new("--signature")
    {
        HelpName = "FILE",
        Description = "A signature of the root hash, to be checked as well",
    };
    private readonly Option<string> _certificate = new("--certificate")
    {
        HelpName = "FILE",
        Description = "The certificate that must have made the signature, in PEM or DER",
    };
    private readonly Option<bool> _json = JsonOption();

    public VerityVerifyVerb(Session session) : base(session, "verify",
        "Compares every block of an image with its dm-verity tree, and the tree with a root hash. Exit code 1 if they do " +
            "not match.",
        "lamina verity verify root.erofs --root-hash 4fd4...",
        "lamina verity verify root.erofs --root-hash 4fd4... --signature root.p7s --certificate cert.pem",
        "lamina verity verify root.erofs --hash-file root.verity --root-hash 4fd4...")
    {
        Add(_image);
        Add(_rootHash);
        Add(_hashFile);
        Add(_hashOffset);
        Add(_signature);
        Add(_certificate);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        byte[] rootHash = VerityArguments.ParseRootHash(arguments.GetRequiredValue(_rootHash));
        string? signatureFault = CheckSignature(arguments, rootHash);
        using ProgressLine progress = new(Session, "verifying");
        VerityReport report = VerityImage.Verify(
            image, rootHash, arguments.GetValue(_hashFile), arguments.GetValue(_hashOffset),
            new WorkOptions { Progress = progress, Threads = Session.Threads });
        progress.Complete();
        bool isSound = report.IsSound && signatureFault is null;
        if (arguments.GetValue(_json))
            WriteJson(image, report, signatureFault, arguments.GetValue(_signature) is not null);
        else
            Write(image, report, signatureFault);
        return isSound ? ExitCodes.Done : ExitCodes.No;
    }

    private string? CheckSignature(ParseResult arguments, byte[] rootHash)
    {
        string? signature = arguments.GetValue(_signature), certificate = arguments.GetValue(_certificate);
        if (signature is null != certificate is null)
            throw new UsageException("--signature and --certificate go together", "Name both, or neither.");
        if (signature is null)
            return null;
        using X509Certificate2 trusted = RootHashSignature.LoadCertificate(certificate!);
        string? fault = RootHashSignature.FindFault(HostFile.ReadAllBytes(signature), rootHash, trusted,
            TimeProvider.System.GetUtcNow());
        return fault is null ? null : $"{signature}: {fault}";
    }

    private void Write(string image, VerityReport report, string? signatureFault)
    {
        if (signatureFault is not null)
            Output.WriteLine(signatureFault);
        foreach (string fault in report.Faults)
            Output.WriteLine(fault);
        if (report.FaultCount > report.Faults.Count)
            Output.WriteLine($"... and {Texts.Number(report.FaultCount - report.Faults.Count)} more");
        if (report.IsSound)
            Session.Summary.WriteLine($"{image}: all {Texts.Number(report.Info.DataBlocks)} blocks are those of the root hash");
    }

    private void WriteJson(string image, VerityReport report, string? signatureFault, bool hasSignature)
    {
        using JsonOutput json = new(Output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartObject();
        writer.WriteString("image", image);
        writer.WriteBoolean("sound", report.IsSound);
        writer.WriteString("rootHash", report.Info.RootHashText);
        writer.WriteNumber("dataBlocks", report.Info.DataBlocks);
        writer.WriteNumber("faultCount", report.FaultCount);
        json.WriteStrings("faults", report.Faults);
        if (hasSignature)
        {
            writer.WriteBoolean("signed", signatureFault is null);
            if (signatureFault is not null)
                writer.WriteString("signatureFault", signatureFault);
        }
        writer.WriteEndObject();
    }
}
