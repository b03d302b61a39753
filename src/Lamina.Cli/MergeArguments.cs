using System.CommandLine;
using System.CommandLine.Parsing;
using Lamina.Layers;
using Lamina.Trust;
using Lamina.Writing;

namespace Lamina.Cli;

/// <summary>The options that all verbs which merge have.</summary>
internal sealed class MergeArguments
{
    private readonly Option<string> _kernel = new("--kernel")
    {
        Description = "The oldest kernel that must mount the image: 6.1, 6.12, 6.15, 7.2. Without: 6.12, or newer if a layer is",
        HelpName = "VERSION",
    };

    private readonly Option<int?> _blockSize = new("--block-size")
    {
        Description = "512, 1024, 2048 or 4096 bytes. Without: 512 where tars meet nothing compressed, else 4096",
        HelpName = "BYTES",
    };

    private readonly Option<bool> _noDigest = new("--no-digest") { Description = "Do not record the SHA-256 of the layers" };

    private readonly Option<bool> _verity = new("--verity")
    {
        Description = "Put a dm-verity tree behind the image, made while it is written, and print the root hash",
    };

    private readonly Option<bool> _userXattr = new("--userxattr")
    {
        Description = "Take user.overlay.* for the marks of images, as an overlay mounted with userxattr does. Without: " +
            "trusted.overlay.*, and the others are attributes like any",
    };

    private readonly VerityArguments _tree;
    private readonly SourceArguments _sources;

    public MergeArguments(Verb verb)
    {
        _kernel.CompletionSources.Add("6.1", "6.12", "6.15", "7.2");
        _blockSize.CompletionSources.Add("512", "1024", "2048", "4096");
        _kernel.Validators.Add(CheckKernel);
        verb.Add(_kernel);
        verb.Add(_blockSize);
        _sources = new SourceArguments(verb);
        verb.Add(_userXattr);
        verb.Add(_noDigest);
        verb.Add(_verity);
        _tree = new VerityArguments(verb, "verity-");
        verb.OnlyWith(_verity, _tree.All);
    }

    /// <summary>The layers, with the order that matters.</summary>
    public static Argument<string[]> Layers() => new("LAYER")
    {
        Description = "EROFS images, directories, archives (compressed or not) and container images (oci:DIR[:TAG], " +
            "oci-archive:FILE[:TAG], docker-archive:FILE[:REF]), lowest first: the later one wins. " +
            "With devices of its own: IMAGE@DEVICE@DEVICE",
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>Whether marks are those of unprivileged overlays.</summary>
    public bool UserXattr(ParseResult arguments) => arguments.GetValue(_userXattr);

    /// <summary>How to write.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="tree">The tree that the image has already, whose ways the new one keeps.</param>
    public WriteOptions Writing(ParseResult arguments, VerityInfo? tree = null) => new()
    {
        Kernel = KernelOf(arguments, _kernel),
        BlockSize = arguments.GetValue(_blockSize),
        ComputeDigests = !arguments.GetValue(_noDigest),
        Verity = !arguments.GetValue(_verity) ? null : _tree.Options(arguments, tree is null ? null : new VerityOptions
        {
            Algorithm = tree.Algorithm,
            Salt = tree.Salt,
            BlockSize = tree.DataBlockSize,
        }),
    };

    /// <summary>The oldest kernel that an option names; null if it is not given.</summary>
    public static KernelProfile? KernelOf(ParseResult arguments, Option<string> option) =>
        arguments.GetValue(option) is { } text && KernelProfile.TryParse(text, out KernelProfile profile) ? profile : null;

    /// <summary>How sources become layers.</summary>
    public LayerOptions Reading(ParseResult arguments, TextWriter error) => _sources.Reading(arguments, error);

    /// <summary>What the verb ends with once all is done.</summary>
    public int ExitCode => _sources.UnreadableCount > 0 ? ExitCodes.No : ExitCodes.Done;

    internal static void CheckKernel(OptionResult result)
    {
        string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (!KernelProfile.TryParse(text, out _))
            result.AddError($"--kernel {text}: a version from 6.1 on is needed, such as 6.12");
    }
}
