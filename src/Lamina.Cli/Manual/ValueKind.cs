using System.CommandLine;

namespace Lamina.Cli.Manual;

/// <summary>What a word of a command line names, so that a shell can offer what there is.</summary>
internal enum ValueKind
{
    /// <summary>Nothing that a shell knows: a number, a text, a path within an image.</summary>
    Text,

    /// <summary>One of a few words.</summary>
    Word,

    /// <summary>What can be a layer: images, archives, directories.</summary>
    Layer,

    File,

    Directory,
}

/// <summary>Finds what the values of options and arguments are.</summary>
internal static class ValueKinds
{
    /// <summary>How files end that mostly are layers; a further ending may say how they are compressed.</summary>
    public static readonly string[] LayerEndings = ["erofs", "img", "raw", "tar", "tgz", "txz", "tbz2", "cpio", "oci"];

    public static readonly string[] PackedEndings = ["gz", "zst", "xz", "lz4", "bz2", "lzma"];

    /// <summary>The kind that each name of a value stands for, as help has it; a test holds that all names are here.</summary>
    private static readonly Dictionary<string, ValueKind> s_kinds = new()
    {
        ["LAYER"] = ValueKind.Layer,
        ["LAYER..."] = ValueKind.Layer,
        ["INITRD"] = ValueKind.Layer,
        ["IMAGE"] = ValueKind.Layer,
        ["FLAT"] = ValueKind.Layer,
        ["A"] = ValueKind.Layer,
        ["B"] = ValueKind.Layer,
        ["FILE"] = ValueKind.File,
        ["OUT"] = ValueKind.File,
        ["PROGRAM"] = ValueKind.File,
        ["VMLINUZ"] = ValueKind.File,
        ["DIR"] = ValueKind.Directory,
        ["PATH"] = ValueKind.Text,
        ["VERSION"] = ValueKind.Text,
        ["BYTES"] = ValueKind.Text,
        ["NAME"] = ValueKind.Text,
        ["HEX"] = ValueKind.Text,
        ["GLOB"] = ValueKind.Text,
        ["UID:GID"] = ValueKind.Text,
        ["FROM=TO"] = ValueKind.Text,
        ["OS/ARCH"] = ValueKind.Text,
        ["LIST"] = ValueKind.Text,
        ["NUMBER"] = ValueKind.Text,
        ["TEXT"] = ValueKind.Text,
        ["RELEASE"] = ValueKind.Text,
        ["WHAT"] = ValueKind.Text,
    };

    /// <summary>Whether a name of a value is known here, or the value is one of a few words.</summary>
    public static bool IsKnown(Symbol symbol) => CommandText.WordsFor(symbol).Length > 0 || s_kinds.ContainsKey(NameOf(symbol));

    public static ValueKind Of(Symbol symbol) => CommandText.WordsFor(symbol).Length > 0 ? ValueKind.Word
        : s_kinds.GetValueOrDefault(NameOf(symbol));

    private static string NameOf(Symbol symbol) => symbol is Option option ? CommandText.ValueOf(option) : symbol.Name;
}
