using System.Text;

namespace Lamina.Archives;

/// <summary>
/// Walks what a kernel is given as its initramfs: newc archives one behind the other, zeros between them, up to the end or up to
/// something compressed. Nothing but headers is read, so a large archive costs no more than its count of files.
/// </summary>
internal sealed class CpioReader(ByteSource source)
{
    private long _position;
    private bool _isInside;

    /// <summary>
    /// After the last entry: where something begins that is no plain archive, as a compressed one; -1 if all was read.
    /// </summary>
    public long Remainder { get; private set; } = -1;

    /// <summary>Where the next header is looked for; after a failure, where what was no header begins.</summary>
    public long Position => _position;

    /// <summary>Whether a source begins with a plain archive.</summary>
    public static bool IsCpio(ByteSource source)
    {
        Span<byte> magic = stackalloc byte[6];
        return source.Read(0, magic) == magic.Length && CpioHeader.HasMagic(magic);
    }

    /// <summary>The entries of all archives, in their order, without the trailers.</summary>
    /// <exception cref="CorruptImageException">The archive is cut off, or what stands there is no header.</exception>
    public IEnumerable<CpioEntry> ReadAll()
    {
        while (SkipGap())
        {
            if (ReadEntry() is { } entry)
                yield return entry;
        }
    }

    /// <summary>Goes to the next header; false at the end, and before what is compressed.</summary>
    private bool SkipGap()
    {
        if (_isInside)
            return true;
        _position = CpioFormat.SkipZeros(source, _position, out byte first);
        if (_position >= source.Length)
            return false;
        if (_position % CpioHeader.Alignment == 0 && first == (byte)'0')
            return true;
        Remainder = _position;
        return false;
    }

    private CpioEntry? ReadEntry()
    {
        CpioFile? file = CpioFormat.Read(source, _position, takesOld: false, out _position);
        _isInside = file is not null;
        return file is null ? null
            : new CpioEntry(Encoding.UTF8.GetString(file.Path), file.Header.Mode, file.BodyOffset, file.BodySize);
    }
}
