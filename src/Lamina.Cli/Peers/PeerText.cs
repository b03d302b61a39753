using System.Globalization;
using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Cli.Peers;

/// <summary>Values as dump.erofs prints them.</summary>
internal static class PeerText
{
    public static string Percent(double value) => value.ToString("0.00", CultureInfo.InvariantCulture) + "%";

    /// <summary>A time as ctime(3) has it, in the zone of the surroundings.</summary>
    public static string Moment(Timestamp time)
    {
        DateTimeOffset local = time.ToDateTimeOffset().ToLocalTime();
        return string.Create(CultureInfo.InvariantCulture, $"{local:ddd MMM} {local.Day,2} {local:HH:mm:ss yyyy}");
    }

    /// <summary>A time with all its digits.</summary>
    public static string Exact(Timestamp time) => string.Create(CultureInfo.InvariantCulture,
        $"{time.ToDateTimeOffset().ToLocalTime():yyyy-MM-dd HH:mm:ss}.{time.Nanoseconds:000000000}");

    public static string Type(NodeType type) => type switch
    {
        NodeType.RegularFile => "regular file",
        NodeType.Directory => "directory",
        NodeType.SymbolicLink => "symlink file",
        NodeType.CharacterDevice => "char dev",
        NodeType.BlockDevice => "block dev",
        NodeType.Fifo => "FIFO file",
        _ => "SOCK file",
    };

    /// <summary>Permissions in octal and in letters.</summary>
    public static string Access(int mode)
    {
        Span<char> letters = stackalloc char[9];
        for (int i = 0; i < 9; i++)
            letters[i] = (mode >> (8 - i) & 1) != 0 ? "rwxrwxrwx"[i] : '-';
        return $"{Convert.ToString(mode & 0x1FF, 8).PadLeft(4, '0')}/{letters}";
    }

    /// <summary>Features as erofs-utils calls them; where two share a bit both.</summary>
    public static string Features(CompatibleFeatures features) => Names((uint)features,
        ["sb_csum", "mtime", "xattr_filter", "shared_ea_in_metabox", "plain_xattr_pfx", "ishare_xattrs"]);

    /// <inheritdoc cref="Features(CompatibleFeatures)"/>
    public static string Features(IncompatibleFeatures features) => Names((uint)features,
    [
        "lz4_0padding", "compr_cfgs big_pcluster", "chunked_file", "device_table", "ztailpacking", "fragments dedupe",
        "xattr_prefixes", "48bit", "metabox",
    ]);

    private static string Names(uint bits, string[] names)
    {
        string text = "";
        for (int i = 0; i < names.Length; i++)
        {
            if ((bits >> i & 1) != 0)
                text += names[i] + " ";
        }
        return text;
    }
}
