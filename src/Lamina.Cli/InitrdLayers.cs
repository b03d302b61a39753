using System.CommandLine;
using System.CommandLine.Parsing;
using Lamina.Boot;
using Lamina.Layers;
using Lamina.Writing;

namespace Lamina.Cli;

/// <summary>What goes into an initramfs as layers: names, another initramfs, and how what is no image yet becomes one.</summary>
internal sealed class InitrdLayers
{
    /// <summary>Data of a layer with --split-by size, before they are compressed, in bytes.</summary>
    private const long UsualSize = 256 << 20;

    private const string BySize = "size", ByModules = "modules";

    private readonly Argument<string[]> _layers = new("LAYER")
    {
        Description = "EROFS images, which go in as they are, and whatever else can be merged, which is built into one first: " +
            "directories, archives, container images. Lowest first: the later one wins",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string[]> _named = new("--layer", "-l")
    {
        Description = "A layer, as without this option",
        HelpName = "LAYER",
        Hidden = true,
    };

    private readonly Option<string> _from = new("--from")
    {
        Description = "An initramfs that any other tool made: its tree becomes the lowest layer, its /init is started by " +
            "Lamina's, microcode in front stays there",
        HelpName = "INITRD",
    };

    private readonly Option<string[]> _split = new("--split")
    {
        Description = "Put what fits the pattern, written as for --exclude, into a layer of its own; once for each",
        HelpName = "GLOB",
    };

    private readonly Option<string> _splitBy = new("--split-by")
    {
        Description = "Make several layers of INITRD. modules: kernel modules and firmware in layers of their own; size, or " +
            "size:BYTES: a further layer whenever one has so much data (256M)",
        HelpName = "WHAT",
    };

    private readonly Option<string> _kernel = new("--kernel")
    {
        Description = "The oldest kernel that boots it: 6.1, 6.12, 6.15. Without: that of the modules, or 6.12",
        HelpName = "VERSION",
    };

    private readonly EncodeArguments _encoding;
    private readonly SourceArguments _sources;
    private readonly OpeningArguments _opening;

    public InitrdLayers(Verb verb)
    {
        _splitBy.Validators.Add(CheckSplit);
        _kernel.Validators.Add(MergeArguments.CheckKernel);
        verb.Add(_layers);
        verb.Add(_named);
        verb.Add(_from);
        verb.Add(_split);
        verb.Add(_splitBy);
        verb.Add(_kernel);
        verb.OnlyWith(_from, _split, _splitBy);
        _encoding = new EncodeArguments(verb, "--compress", isRequired: false);
        _sources = new SourceArguments(verb);
        _opening = new OpeningArguments(verb, hasConfig: false);
    }

    /// <summary>What says where layers come from: for archives that have none of it.</summary>
    public Option From => _from;

    /// <summary>The option by which layers were named once.</summary>
    public Option Named => _named;

    /// <summary>What the verb ends with once all is done.</summary>
    public int ExitCode => _sources.UnreadableCount > 0 ? ExitCodes.No : ExitCodes.Done;

    /// <summary>The layers' names, wherever they stand on the command line.</summary>
    public string[] Names(ParseResult arguments)
    {
        string[] positional = arguments.GetValue(_layers) ?? [], named = arguments.GetValue(_named) ?? [];
        if (positional.Length > 0 && named.Length > 0)
            throw new UsageException("some layers stand alone and some behind --layer, so their order is not clear",
                "Leave out --layer: names alone are layers, lowest first.");
        return positional.Length > 0 ? positional : named;
    }

    /// <summary>Opens the other initramfs; null if none is named.</summary>
    public OtherInitrd? OpenOther(ParseResult arguments, string output) => arguments.GetValue(_from) is not { } path ? null
        : OtherInitrd.Open(path, new LayerOptions { SpoolBeside = output });

    /// <summary>The oldest kernel, if it was named.</summary>
    public KernelProfile? Kernel(ParseResult arguments) => MergeArguments.KernelOf(arguments, _kernel);

    /// <summary>Makes images of what is none.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="names">The layers' names.</param>
    /// <param name="optional">Those that a boot may go on without.</param>
    /// <param name="options">What is known of the archive.</param>
    /// <param name="output">Its name.</param>
    /// <param name="session">Where progress and messages go.</param>
    public PreparedLayers Prepare(
        ParseResult arguments, string[] names, string[] optional, InitrdOptions options, string output, Session session)
    {
        KernelProfile? kernel = InitrdBuilder.OldestKernel(options);
        bool hasZstd = kernel?.HasCodec(Tree.ClusterEncoding.Zstd) != false;
        using ProgressLine progress = new(session, "encoding");
        WriteOptions writing = new()
        {
            Kernel = kernel,
            Encoding = _encoding.Encoding(arguments, usual: hasZstd ? "zstd" : "lz4hc"),
            Progress = progress,
            Threads = session.Threads,
        };
        LayerOptions reading = _opening.Add(arguments, _sources.Reading(arguments, session.Error), writing);
        PreparedLayers prepared = new(output, writing);
        try
        {
            if (options.Other is { } other)
            {
                string path = arguments.GetRequiredValue(_from);
                foreach (TreePart part in Parts(arguments, other))
                    prepared.Add(path, part, other.Tree);
            }
            foreach (string name in names)
            {
                bool isUpper = options.Init is null || prepared.Layers.Count > 0;
                prepared.Add(name, reading, isUpper, optional.Contains(name));
            }
            return prepared;
        }
        catch
        {
            prepared.Dispose();
            throw;
        }
    }

    private IReadOnlyList<TreePart> Parts(ParseResult arguments, OtherInitrd other)
    {
        const string name = "initrd";
        Tree.Node root = other.Tree.Root;
        string[] globs = arguments.GetValue(_split) ?? [];
        string? by = arguments.GetValue(_splitBy);
        if (by is not null && globs.Length > 0)
            throw new UsageException("--split and --split-by both say what the layers are", "Leave one of them out.");
        if (by == ByModules)
            return TreeParts.ByPatterns(root, name, TreeParts.Modules, allowsNone: true);
        if (by is not null)
            return TreeParts.BySize(root, name, SizeOf(by)!.Value);
        return TreeParts.ByPatterns(root, name, Rules(globs), allowsNone: false);
    }

    private static List<(string Name, string[] Globs)> Rules(string[] globs)
    {
        List<(string Name, string[] Globs)> rules = [];
        foreach (string glob in globs)
        {
            string name = TreeParts.NameOf(glob, rules.Count + 1);
            rules.Add((name, [glob]));
        }
        return rules;
    }

    private static long? SizeOf(string text) => text == BySize ? UsualSize
        : !text.StartsWith($"{BySize}:", StringComparison.Ordinal) ? null
        : SizeText.Parse(text[(BySize.Length + 1)..]) is > 0 and long size ? size : null;

    private static void CheckSplit(OptionResult result)
    {
        string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (text != ByModules && SizeOf(text) is null)
            result.AddError($"--split-by {text}: one of modules, size, size:BYTES is expected, such as size:64M");
    }
}
