using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Lamina.Boot;
using Lamina.Boot.Signatures;
using Lamina.Images;
using Lamina.Platform;
using Lamina.Trust;

namespace Lamina.Cli;

/// <summary><c>lamina verity format</c>: makes the tree of an image.</summary>
internal sealed class VerityFormatVerb : Verb
{
    private readonly Argument<string> _image = new("IMAGE")
    {
        Description = "An EROFS image, or anything else; a file or a block device",
    };
    private readonly Option<string> _hashFile = VerityVerb.HashFileOption(
        "Write the tree to a file of its own. Without: behind the image, in the same file");
    private readonly VerityArguments _tree;
    private readonly SignatureArguments _signer;
    private readonly Option<string> _signature = new("--signature")
    {
        HelpName = "FILE",
        Description = "Where the signature goes (PKCS#7, DER)",
    };
    private readonly Option<string> _format = new Option<string>("--format")
    {
        HelpName = "FORM",
        Description = "raw: the image and its tree; gpt: a disk image with a partition for each, as systemd discovers them",
        DefaultValueFactory = _ => "raw",
    }.AcceptOnlyFromAmong("raw", "gpt");
    private readonly Option<string> _output = new("--output", "-o")
    {
        HelpName = "FILE",
        Description = "With --format gpt: the disk image to write",
    };
    private readonly Option<string> _architecture = new Option<string>("--arch")
    {
        HelpName = "NAME",
        Description = "With --format gpt: whose root partition it is, x86-64 or arm64",
        DefaultValueFactory = _ => "x86-64",
    }.AcceptOnlyFromAmong("x86-64", "arm64");
    private readonly Option<bool> _force = new("--force", "-f")
    {
        Description = "Replace files, another tree that the image has, and bytes behind it that are no tree",
    };
    private readonly Option<bool> _json = JsonOption();

    public VerityFormatVerb(Session session) : base(session, "format",
        "Makes a dm-verity hash tree and prints the root hash. veritysetup understands it. The same image gives the same " +
            "root hash.",
        "lamina verity format root.erofs",
        "lamina verity format root.erofs --hash-file root.verity --salt 0123abcd",
        "lamina verity format root.erofs --key key.pem --certificate cert.pem --signature root.p7s",
        "lamina verity format root.erofs --format gpt -o disk.img --key key.pem --certificate cert.pem",
        "lamina verity format root.erofs --json | jq -r .rootHash")
    {
        Add(_image);
        Add(_hashFile);
        _tree = new VerityArguments(this);
        _signer = new SignatureArguments(this, session);
        Add(_signature);
        Add(_format);
        Add(_output);
        Add(_architecture);
        Add(_force);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        if (arguments.GetRequiredValue(_format) == "gpt")
            return MakeDisk(image, arguments);
        if (arguments.GetResult(_architecture) is { Implicit: false })
            throw new UsageException("--arch is for disk images", "Add --format gpt, or leave it out.");
        if (arguments.GetValue(_output) is not null)
            throw new UsageException("--output is for disk images", "Add --format gpt; a tree of its own goes to --hash-file.");
        string? hashFile = arguments.GetValue(_hashFile), signature = arguments.GetValue(_signature);
        using X509Certificate2? signer = _signer.Load(arguments, image, hashFile, signature);
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
                Overwrite = arguments.GetValue(_force),
                Signer = signer is null ? null : rootHash => RootHashSignature.Sign(rootHash.Span, signer),
                SignatureFile = signature,
                Progress = progress,
                Threads = Session.Threads,
            });
        }
        progress.Complete();
        VerityText text = new(info, image, hashFile);
        if (arguments.GetValue(_json))
            text.WriteJson(Output, writer => { if (signature is not null) writer.WriteString("signature", signature); });
        else
            WriteText(text, info);
        if (signature is not null && !arguments.GetValue(_json))
            Session.Summary.WriteLine($"Signature:     {signature}, by {signer!.Subject}");
        return ExitCodes.Done;
    }

    /// <summary>With --quiet the root hash alone: it is what the tree was made for.</summary>
    private void WriteText(VerityText text, VerityInfo info)
    {
        if (Session.IsQuiet)
            Output.WriteLine(info.RootHashText);
        else
            text.Write(Output);
    }

    private int MakeDisk(string image, ParseResult arguments)
    {
        string output = arguments.GetValue(_output)
            ?? throw new UsageException("--format gpt writes a disk image, and none is named", "Name it: -o FILE");
        if (arguments.GetValue(_hashFile) is not null || arguments.GetValue(_signature) is not null)
            throw new UsageException("on a disk, tree and signature have partitions", "Leave out --hash-file and --signature.");
        using X509Certificate2? signer = _signer.Load(arguments, output);
        using ProgressLine progress = new(Session, "hashing");
        DiskResult disk;
        using (Session.Interrupts.Writing(output))
        {
            disk = DiskImage.Build(image, output, new DiskOptions
            {
                Tree = _tree.Options(arguments),
                Architecture = arguments.GetRequiredValue(_architecture) == "arm64" ? DiskArchitecture.Arm64
                    : DiskArchitecture.X64,
                Signer = signer,
                Overwrite = arguments.GetValue(_force),
                Progress = progress,
                Threads = Session.Threads,
            });
        }
        progress.Complete();
        if (arguments.GetValue(_json))
        {
            new VerityText(disk.Verity, output, null) { IsDisk = true }.WriteJson(Output, writer =>
                WritePartitions(writer, disk));
            return ExitCodes.Done;
        }
        if (Session.IsQuiet)
        {
            Output.WriteLine(disk.Verity.RootHashText);
            return ExitCodes.Done;
        }
        Output.WriteLine($"{output}: {Texts.Size(disk.Length)}, {Texts.Count(disk.Partitions.Count, "partition")}");
        foreach ((string name, Guid id) in disk.Partitions)
            Output.WriteLine($"  {name,-24} {id}");
        Output.WriteLine($"Root hash:     {disk.Verity.RootHashText}");
        Output.WriteLine($"Command line:  lamina.roothash={disk.Verity.RootHashText}");
        Output.WriteLine($"See it:        systemd-dissect {ShellText.Quote(output)}");
        return ExitCodes.Done;
    }

    private static void WritePartitions(Utf8JsonWriter writer, DiskResult disk)
    {
        writer.WriteStartArray("partitions");
        foreach ((string name, Guid id) in disk.Partitions)
        {
            writer.WriteStartObject();
            writer.WriteString("name", name);
            writer.WriteString("id", id.ToString());
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }
}
