using System.Globalization;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>Sizes, times and modes as people read them.</summary>
internal static class Texts
{
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>A size with a unit: three digits or so.</summary>
    public static string Size(long bytes)
    {
        double value = bytes;
        int unit = 0;
        for (; Math.Abs(value) >= 999.5 && unit < s_units.Length - 1; unit++)
            value /= 1024;
        string format = unit == 0 || Math.Abs(value) >= 9.95 ? "0" : "0.0";
        return $"{value.ToString(format, CultureInfo.InvariantCulture)} {s_units[unit]}";
    }

    public static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A count with its noun.</summary>
    public static string Count(long count, string one, string? many = null) =>
        $"{Number(count)} {(count == 1 ? one : many ?? one + "s")}";

    /// <summary>The time in full, in UTC; where the calendar ends, seconds since 1970.</summary>
    public static string Time(Timestamp time) => IsInCalendar(time)
        ? $"{DateTimeOffset.FromUnixTimeSeconds(time.Seconds)
            .ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture)}.{time.Nanoseconds:d9}Z"
        : $"@{time.Seconds}.{time.Nanoseconds:d9}";

    /// <summary>The time to the minute.</summary>
    public static string ShortTime(Timestamp time) => IsInCalendar(time)
        ? DateTimeOffset.FromUnixTimeSeconds(time.Seconds).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)
        : $"@{time.Seconds}";

    /// <summary>Names in a sentence; of many the first two, the last, and how many there are.</summary>
    public static string Names(IReadOnlyList<string> names) => names.Count <= MaxNames ? string.Join(", ", names)
        : $"{names[0]}, {names[1]}, ..., {names[^1]} ({Number(names.Count)} in all)";

    /// <summary>More names than these are not read by anybody.</summary>
    public const int MaxNames = 8;

    /// <summary>A time that something takes, to what matters of it.</summary>
    public static string Duration(long milliseconds) => milliseconds switch
    {
        < 10_000 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000.0:0.0} s"),
        < 100_000 => $"{milliseconds / 1000} s",
        < 6_000_000 => $"{milliseconds / 60_000} min {milliseconds / 1000 % 60} s",
        _ => $"{milliseconds / 3_600_000} h {milliseconds / 60_000 % 60} min",
    };

    public static string Percent(long part, long whole) =>
        whole == 0 ? "" : (100.0 * part / whole).ToString("0.0 '%'", CultureInfo.InvariantCulture);

    /// <summary>How a cluster is encoded.</summary>
    public static string Encoding(ClusterEncoding encoding) => encoding switch
    {
        ClusterEncoding.Lz4 => "lz4",
        ClusterEncoding.Lzma => "lzma",
        ClusterEncoding.Deflate => "deflate",
        ClusterEncoding.Zstd => "zstd",
        ClusterEncoding.Hole => "hole",
        _ => "uncompressed",
    };

    /// <summary>What an original is.</summary>
    public static string Kind(OriginalKind kind) => kind switch
    {
        OriginalKind.Erofs => "erofs",
        OriginalKind.Device => "device",
        OriginalKind.Tar => "tar",
        _ => $"kind {(int)kind}",
    };

    private static bool IsInCalendar(Timestamp time) =>
        time.Seconds >= DateTimeOffset.MinValue.ToUnixTimeSeconds()
        && time.Seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    /// <summary>The word for a type.</summary>
    public static string Type(NodeType type) => type switch
    {
        NodeType.Directory => "directory",
        NodeType.RegularFile => "file",
        NodeType.SymbolicLink => "symlink",
        NodeType.CharacterDevice => "character device",
        NodeType.BlockDevice => "block device",
        NodeType.Fifo => "fifo",
        _ => "socket",
    };

    /// <summary>Type and permissions in ten letters, as ls(1) has them.</summary>
    public static string Mode(Node node)
    {
        char type = node.Type switch
        {
            NodeType.Directory => 'd',
            NodeType.SymbolicLink => 'l',
            NodeType.CharacterDevice => 'c',
            NodeType.BlockDevice => 'b',
            NodeType.Fifo => 'p',
            NodeType.Socket => 's',
            _ => '-',
        };
        int mode = node.Permissions;
        return string.Create(10, (type, mode), static (text, state) =>
        {
            const string letters = "rwxrwxrwx";
            text[0] = state.type;
            for (int i = 0; i < letters.Length; i++)
                text[i + 1] = (state.mode & (1 << (8 - i))) != 0 ? letters[i] : '-';
            Special(text, 3, (state.mode & 0x800) != 0, 's');
            Special(text, 6, (state.mode & 0x400) != 0, 's');
            Special(text, 9, (state.mode & 0x200) != 0, 't');
        });

        static void Special(Span<char> text, int at, bool isSet, char letter)
        {
            if (isSet)
                text[at] = text[at] == 'x' ? letter : char.ToUpperInvariant(letter);
        }
    }

    /// <summary>The permissions in octal digits.</summary>
    public static string Octal(Node node) => Convert.ToString(node.Permissions, 8).PadLeft(4, '0');
}
