using System.CommandLine;
using System.Text.Json;
using Lamina.Building;
using Lamina.Images;
using Lamina.Platform;
using Lamina.Writing;

namespace Lamina.Cli;

/// <summary><c>lamina build</c>: whatever people hold becomes one compressed image.</summary>
internal sealed class BuildVerb(Session session) : ImageVerb(session, "build",
    "Makes one EROFS image with the data of all sources, compressed. Sources are named lowest first: the later one wins.",
    "lamina build rootfs.tar -o root.erofs                     # zstd, for Linux 6.12 and newer",
    "lamina build -z lz4hc,12 --kernel 6.1 base.tar app.tar -o root.erofs",
    "lamina build -z zstd,15 --kernel 7.2 rootfs.tar -o root.erofs   # smallest: clusters begin at any byte",
    "lamina build -z none rootfs.tar -o root.erofs",
    "lamina build --layers layers/ oci:app                     # an image for each layer of a container image")
{
    /// <summary>What a kernel maps at once, in bytes: it refuses DAX for smaller blocks.</summary>
    private const int PageSize = 4096;

    private readonly Option<string> _folder = new("--layers")
    {
        Description = "Make an image of each layer of a container image instead, with its marks of what it hides, and call it " +
            "by its DiffID in this directory: sha256-HEX.erofs. What is there already is kept unless --force is given",
        HelpName = "DIR",
    };

    private readonly Option<bool> _dax = new("--dax")
    {
        Description = "Store data as it is and on whole pages, so that a kernel maps it from persistent memory (mount -o dax, " +
            "virtio-pmem) without a copy in its cache",
    };

    private EncodeArguments? _encoding;

    protected override string Doing(WriteOptions writing) => "encoding";

    protected override void AddOwnOptions()
    {
        _encoding = new EncodeArguments(this, "--compress", isRequired: false);
        OutputOption.Required = false;
        Add(_folder);
        Add(_dax);
    }

    protected override (string Mode, WriteOptions Writing) Shape(ParseResult arguments, WriteOptions writing)
    {
        writing = writing with { Mode = OutputMode.Full };
        if (!arguments.GetValue(_dax))
            return ("full", writing with { Encoding = _encoding!.Encoding(arguments) });
        if (_encoding!.FirstGiven(arguments) is { } option)
        {
            throw new UsageException($"--dax stores data as it is, and {option} says how to encode it", "Leave out one of both.");
        }
        if (writing.BlockSize is { } size and not PageSize)
        {
            throw new UsageException($"--dax takes blocks of {PageSize} bytes, a page of memory, not of {size}",
                "Leave out --block-size.");
        }
        return ("full", writing with
        {
            BlockSize = PageSize,
            Encoding = new EncodeOptions { HasInlineTails = false, EncodesAll = true },
        });
    }

    protected override int Run(ParseResult arguments)
    {
        string? folder = arguments.GetValue(_folder), output = arguments.GetValue(OutputOption);
        if (folder is null == output is null)
        {
            throw new UsageException(folder is null ? "no output is named" : "--layers has its outputs in DIR, and -o names one",
                "Name the image with -o OUT, or with --layers DIR where the images of a container image's layers go.");
        }
        return folder is null ? base.Run(arguments) : WriteLayers(arguments, folder);
    }

    private int WriteLayers(ParseResult arguments, string folder)
    {
        if (LayersOf(arguments) is not [string image])
            throw new UsageException("--layers takes one container image", "Call it once for each.");
        if (Options.FirstOrDefault(option => option.Name is "--dry-run" or "--explain"
            && arguments.GetResult(option) is { Implicit: false }) is { } vain)
        {
            throw new UsageException($"{vain.Name} says nothing of layers that are not merged", $"Leave out {vain.Name}.");
        }
        WriteOptions writing = Shape(arguments).Writing;
        IReadOnlyList<BuiltLayer> built;
        using (Session.Interrupts.Writing(folder + Path.DirectorySeparatorChar))
        using (ProgressLine progress = new(Session, Doing(writing)))
        {
            writing = writing with { Progress = progress, Threads = Session.Threads };
            built = MergedImage.CreateLayers(image, folder, writing, Reading(arguments, writing));
        }
        WriteConfig(arguments, writing);
        foreach (BuiltLayer layer in built)
        {
            if (layer.Result is { } result)
                Warn(result);
        }
        if (IsJson(arguments))
            WriteJson(built);
        else
            Write(built);
        return ExitCode;
    }

    private void Write(IReadOnlyList<BuiltLayer> built)
    {
        foreach (BuiltLayer layer in built)
        {
            Output.WriteLine(layer.Result is not { } result ? $"{layer.Path} was there already"
                : $"{layer.Path} is {Texts.Size(result.Length)}: {Texts.Count(result.InodeCount, "file")}, " +
                    $"for Linux {result.Kernel} and later");
            if (layer.Result?.Verity is { } tree)
                Output.WriteLine($"  root hash {tree.RootHashText}");
        }
        string all = string.Join(' ', built.Select(layer => ShellText.Quote(layer.Path)));
        Output.WriteLine($"Merge them:  lamina merge {all} -o root.erofs");
    }

    private void WriteJson(IReadOnlyList<BuiltLayer> built)
    {
        using JsonOutput json = new(Output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartObject();
        writer.WriteStartArray("layers");
        foreach (BuiltLayer layer in built)
        {
            writer.WriteStartObject();
            writer.WriteString("diffId", layer.DiffId);
            writer.WriteString("output", layer.Path);
            writer.WriteBoolean("kept", layer.Result is null);
            if (layer.Result is { } result)
            {
                writer.WriteNumber("length", result.Length);
                writer.WriteNumber("files", result.InodeCount);
                writer.WriteString("kernel", result.Kernel.ToString(2));
                if (result.Verity is { } tree)
                {
                    writer.WriteStartObject("verity");
                    new VerityText(tree, layer.Path, null).WriteFields(writer);
                    writer.WriteEndObject();
                }
            }
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
