using System.Text;

namespace Lamina.Archives;

/// <summary>
/// Walks what a kernel is given as its initramfs: newc archives one behind the other, zeros between them, up to the end or up to
/// something compressed. Nothing but headers is read, so a large archive costs no more than its count of files.
/// </summary>
internal sealed class CpioReader(ByteSource source)
{
    /// <summary>Zeros between two archives are read in steps of this size.</summary>
    private const int GapStep = 4096;

    private long _position;
    private bool _isInside;

    /// <summary>
    /// After the last entry: where something begins that is no plain archive, as a compressed one; -1 if all was read.
    /// </summary>
    public long Remainder { get; private set; } = -1;

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
        byte[] header = new byte[CpioHeader.Size];
        while (SkipGap())
        {
            if (ReadEntry(header) is { } entry)
                yield return entry;
        }
    }

    /// <summary>Goes to the next header; false at the end, and before what is compressed.</summary>
    private bool SkipGap()
    {
        if (_isInside)
            return true;
        byte[] step = new byte[GapStep];
        while (_position < source.Length)
        {
            int count = source.Read(_position, step);
            int zeros = step.AsSpan(0, count).IndexOfAnyExcept((byte)0);
            if (zeros < 0)
            {
                _position += count;
                continue;
            }
            _position += zeros;
            if (_position % CpioHeader.Alignment == 0 && step[zeros] == (byte)'0')
                return true;
            Remainder = _position;
            return false;
        }
        return false;
    }

    private CpioEntry? ReadEntry(byte[] bytes)
    {
        long at = _position;
        if (source.Read(at, bytes) < bytes.Length)
            throw CutOff(at);
        if (!CpioHeader.HasMagic(bytes) || !CpioHeader.TryParse(bytes, out CpioHeader header))
            throw new CorruptImageException(source.Name, "no header of a newc archive where one must be", null, at);
        if (header.NameSize is 0 or > CpioHeader.MaxNameSize)
        {
            throw new CorruptImageException(source.Name,
                $"a name of {header.NameSize} bytes; 1 to {CpioHeader.MaxNameSize} are possible", null, at);
        }
        byte[] name = new byte[header.NameSize];
        if (source.Read(at + CpioHeader.Size, name) < name.Length)
            throw CutOff(at);
        long body = Align(at + CpioHeader.Size + header.NameSize);
        if (body > source.Length - header.BodySize)
            throw CutOff(at);
        int end = name.AsSpan().IndexOf((byte)0);
        string text = Encoding.UTF8.GetString(name, 0, end < 0 ? name.Length : end);
        _position = Align(body + header.BodySize);
        _isInside = text != CpioHeader.Trailer;
        return _isInside ? new CpioEntry(text, header.Mode, body, header.BodySize) : null;
    }

    private CorruptImageException CutOff(long at) =>
        new(source.Name, $"the archive is cut off at byte {source.Length}: an entry or its end mark is missing", null, at);

    private static long Align(long position) => (position + CpioHeader.Alignment - 1) & ~(CpioHeader.Alignment - 1L);
}
