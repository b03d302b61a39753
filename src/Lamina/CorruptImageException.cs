namespace Lamina;

/// <summary>
/// The bytes of an input contradict the format: a value that cannot be, a place outside the file, a sum that is wrong.
/// </summary>
/// <remarks>
/// The message says what, where, found and expected: <c>app.erofs: inode 36: data layout 7 is not known (byte 0x480)</c>.
/// </remarks>
public sealed class CorruptImageException : Exception
{
    /// <summary>Makes the exception with its full message.</summary>
    public CorruptImageException(string message) : base(message) => What = message;

    /// <summary>Makes the exception from its parts; the message names each part that is known.</summary>
    /// <param name="source">The file or layer, as the user named it.</param>
    /// <param name="what">What is wrong: found and expected.</param>
    /// <param name="inode">The inode number (nid) it concerns, if any.</param>
    /// <param name="offset">The byte in the file where it stands, if known.</param>
    public CorruptImageException(string source, string what, ulong? inode = null, long? offset = null)
        : base(Compose(source, what, inode, offset))
    {
        File = source;
        What = what;
        Inode = inode;
        Offset = offset;
    }

    /// <summary>The file or layer that is wrong, as the user named it; null where the message alone says it.</summary>
    public string? File { get; }

    /// <summary>What is wrong, without the file, inode and offset that the message has besides.</summary>
    public string What { get; }

    /// <summary>The inode number (nid) the fault concerns, where one is known.</summary>
    public ulong? Inode { get; }

    /// <summary>The byte of the file where the fault stands, where it is known.</summary>
    public long? Offset { get; }

    private static string Compose(string source, string what, ulong? inode, long? offset)
    {
        string place = inode is { } nid ? $"{source}: inode {nid}: {what}" : $"{source}: {what}";
        return offset is { } at ? $"{place} (byte 0x{at:X})" : place;
    }
}
