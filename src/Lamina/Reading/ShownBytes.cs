using System.Text;

namespace Lamina.Reading;

/// <summary>Names as text that can be read, and told apart whatever bytes they have.</summary>
internal static class ShownBytes
{
    /// <summary>Printable ASCII as it is, anything else and the backslash as <c>\xHH</c>.</summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new(bytes.Length);
        foreach (byte one in bytes)
        {
            if (one is > 32 and < 127 and not (byte)'\\')
                text.Append((char)one);
            else
                text.Append("\\x").Append(one.ToString("x2", System.Globalization.CultureInfo.InvariantCulture));
        }
        return text.ToString();
    }

    /// <summary>An inode number; the metabox has numbers of its own.</summary>
    public static string OfNid(ulong nid) =>
        (nid & ErofsImage.MetaboxBit) == 0 ? $"{nid}" : $"{nid & ~ErofsImage.MetaboxBit} of the metabox";
}
