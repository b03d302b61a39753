using System.CommandLine;
using Lamina.Writing;

namespace Lamina.Cli;

/// <summary><c>lamina merge</c>: layers become one image.</summary>
internal sealed class MergeVerb(Session session) : ImageVerb(session, "merge",
    "Merges layers into one EROFS image. Layers are named lowest first: the later one wins. " +
        "They are not changed, and not recompressed unless that is asked for.",
    "lamina merge base.erofs app.erofs config.tar -o root.erofs",
    "lamina merge --mode index base.erofs app.erofs -o root.erofs    # small: mounted together with the layers",
    "lamina merge --mode full base.erofs app.erofs -o root.erofs     # what is hidden is left behind",
    "lamina merge --mode full --recompress zstd base.erofs app.tar -o root.erofs",
    "lamina merge base.erofs app.erofs -o root.erofs --dry-run --explain",
    "lamina merge base.erofs app.erofs -o - | ssh HOST 'cat > root.erofs'",
    "lamina merge --verity base.erofs app.erofs -o root.erofs        # with a dm-verity tree: one root hash for all of it")
{
    private readonly Option<string> _mode = new Option<string>("--mode")
    {
        HelpName = "MODE",
        Description = "flat: one file with the layers in it as they are; index: the metadata alone, " +
        "the layers stay where they are; " +
            "full: one file with the data that is still seen",
        DefaultValueFactory = _ => "flat",
    }.AcceptOnlyFromAmong("flat", "index", "full");

    private readonly Option<string> _vmdk = new("--vmdk")
    {
        Description = "With flat mode: leave the layers out and write a descriptor that shows all of it as one disk",
        HelpName = "FILE",
    };

    private EncodeArguments? _encoding;

    protected override string Doing(WriteOptions writing) => writing.Encoding is null ? "writing" : "encoding";

    protected override void AddOwnOptions()
    {
        Add(_mode);
        Add(_vmdk);
        _encoding = new EncodeArguments(this, "--recompress", isRequired: true);
    }

    protected override (string Mode, WriteOptions Writing) Shape(ParseResult arguments, WriteOptions writing)
    {
        string mode = arguments.GetRequiredValue(_mode);
        string? vmdk = arguments.GetValue(_vmdk);
        if (vmdk is not null && mode != "flat")
            throw new UsageException($"--vmdk describes a flat image, the mode is {mode}", "Leave out --mode, or --vmdk.");
        bool encodes = _encoding!.IsAsked(arguments);
        if (encodes && mode != "full")
        {
            throw new UsageException($"--recompress writes data anew, the mode is {mode}",
                "Add --mode full, or leave out --recompress.");
        }
        return (mode, writing with
        {
            Mode = mode switch { "index" => OutputMode.Index, "full" => OutputMode.Full, _ => OutputMode.Flat },
            Encoding = encodes ? _encoding.Encoding(arguments) : null,
            VmdkPath = vmdk,
        });
    }
}
