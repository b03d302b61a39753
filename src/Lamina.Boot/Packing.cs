using Lamina.Archives;

namespace Lamina.Boot;

/// <summary>
/// What an initramfs can be compressed with: what the kernel knows by these bytes (lib/decompress.c). Most of it can be read
/// here; the rest is taken at its word.
/// </summary>
internal static class Packing
{
    /// <summary>More than any kind is known by.</summary>
    private const int HeadSize = 16;

    private static readonly (string Name, byte[] Magic)[] s_unread =
    [
        ("gzip", [0x1F, 0x9E]),
        ("bzip2", [.. "BZ"u8]),
        ("lzma", [0x5D, 0x00]),
        ("lzop", [0x89, .. "LZO"u8]),
    ];

    /// <summary>What is compressed at a byte of a file, by name; null if nothing is.</summary>
    /// <param name="source">The file.</param>
    /// <param name="offset">The byte.</param>
    /// <param name="canBeRead">Whether it can be decompressed here.</param>
    public static string? Find(ByteSource source, long offset, out bool canBeRead)
    {
        string? kind = Packed.KindAt(source, offset);
        canBeRead = kind is not null;
        if (canBeRead)
            return kind;
        byte[] head = new byte[HeadSize];
        ReadOnlySpan<byte> bytes = head.AsSpan(0, source.Read(offset, head));
        foreach ((string name, byte[] magic) in s_unread)
        {
            if (bytes.StartsWith(magic))
                return name;
        }
        return null;
    }
}
