using System.Text;

namespace Lamina.Archives;

/// <summary>An entry of a cpio archive: its header, its name and where its data lie.</summary>
/// <param name="Path">The name as it stands there, without its NUL.</param>
/// <param name="Header">What its header says.</param>
/// <param name="BodyOffset">Where the data begin in the source.</param>
internal sealed record CpioFile(byte[] Path, CpioHeader Header, long BodyOffset)
{
    /// <summary>The length of the data, in bytes.</summary>
    public long BodySize => Header.BodySize;
}

/// <summary>Reads headers of cpio archives: newc, the same with check sums, and the portable one of POSIX (odc).</summary>
internal static class CpioFormat
{
    private const int OldSize = 76, OldAlignment = 1;

    /// <summary>Zeros between two archives are read in steps of this size.</summary>
    private const int GapStep = 4096;

    private static ReadOnlySpan<byte> OldMagic => "070707"u8;

    /// <summary>Bytes by which an archive is known.</summary>
    public const int MagicSize = 6;

    /// <summary>Whether bytes begin an entry of an archive that can be read.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> bytes) => CpioHeader.HasMagic(bytes) || bytes.StartsWith(OldMagic);

    /// <summary>Goes over the zeros that may lie between archives.</summary>
    /// <param name="source">The archives.</param>
    /// <param name="at">Where to begin.</param>
    /// <param name="first">The byte behind the zeros.</param>
    /// <returns>Where that byte is; the source's length if nothing but zeros is left.</returns>
    public static long SkipZeros(ByteSource source, long at, out byte first)
    {
        first = 0;
        byte[] step = new byte[GapStep];
        for (int count; at < source.Length; at += count)
        {
            count = source.Read(at, step);
            int zeros = step.AsSpan(0, count).IndexOfAnyExcept((byte)0);
            if (zeros < 0)
                continue;
            first = step[zeros];
            return at + zeros;
        }
        return source.Length;
    }

    /// <summary>Reads the entry at a position; null at the mark that ends an archive.</summary>
    /// <param name="source">The archive.</param>
    /// <param name="at">Where the header begins.</param>
    /// <param name="takesOld">Whether it may be of the portable form, which no kernel unpacks.</param>
    /// <param name="next">Where the next header begins.</param>
    /// <exception cref="CorruptImageException">It is cut off, or no header.</exception>
    public static CpioFile? Read(ByteSource source, long at, bool takesOld, out long next)
    {
        Span<byte> bytes = stackalloc byte[CpioHeader.Size];
        bytes = bytes[..source.Read(at, bytes)];
        if (bytes.Length < (takesOld ? OldSize : CpioHeader.Size))
            throw CutOff(source, at);
        bool isOld = takesOld && bytes.StartsWith(OldMagic);
        int size = isOld ? OldSize : CpioHeader.Size, alignment = isOld ? OldAlignment : CpioHeader.Alignment;
        if (CpioHeader.HasMagic(bytes) && bytes.Length < size)
            throw CutOff(source, at);
        CpioHeader header = default;
        bool isHeader = isOld ? TryParseOld(bytes, out header)
            : CpioHeader.HasMagic(bytes) && CpioHeader.TryParse(bytes, out header);
        if (!isHeader)
        {
            string form = takesOld ? "cpio" : "newc";
            throw new CorruptImageException(source.Name, $"no header of a {form} archive where one must be", null, at);
        }
        if (header.NameSize is 0 or > CpioHeader.MaxNameSize)
        {
            throw new CorruptImageException(source.Name,
                $"a name of {header.NameSize} bytes; 1 to {CpioHeader.MaxNameSize} are possible", null, at);
        }
        byte[] name = new byte[header.NameSize];
        if (source.Read(at + size, name) < name.Length)
            throw CutOff(source, at);
        long body = Align(at + size + header.NameSize, alignment);
        if (body > source.Length - header.BodySize)
            throw CutOff(source, at);
        next = Align(body + header.BodySize, alignment);
        int end = name.AsSpan().IndexOf((byte)0);
        byte[] path = end < 0 ? name : name[..end];
        return Ascii.Equals(path, CpioHeader.Trailer) ? null : new CpioFile(path, header, body);
    }

    /// <summary>
    /// dev, ino, mode, uid, gid, nlink, rdev: six octal digits each; mtime: eleven; namesize: six; filesize: eleven.
    /// </summary>
    private static bool TryParseOld(ReadOnlySpan<byte> bytes, out CpioHeader header)
    {
        header = default;
        ReadOnlySpan<int> widths = [6, 6, 6, 6, 6, 6, 6, 11, 6, 11];
        Span<uint> numbers = stackalloc uint[widths.Length];
        int start = MagicSize;
        for (int i = 0; i < widths.Length; i++)
        {
            ulong value = 0;
            foreach (byte digit in bytes.Slice(start, widths[i]))
            {
                if (digit is < (byte)'0' or > (byte)'7')
                    return false;
                value = value * 8 + (uint)(digit - '0');
            }
            if (value > uint.MaxValue)
                return false;
            numbers[i] = (uint)value;
            start += widths[i];
        }
        // A device is one number there: eight bits are the minor one.
        header = new CpioHeader(numbers[1], numbers[2], numbers[5], numbers[9], numbers[8])
        {
            DeviceMajor = numbers[6] >> 8,
            DeviceMinor = numbers[6] & 0xFF,
            UserId = numbers[3],
            GroupId = numbers[4],
            Modified = numbers[7],
            SourceMajor = numbers[0] >> 8,
            SourceMinor = numbers[0] & 0xFF,
        };
        return true;
    }

    private static CorruptImageException CutOff(ByteSource source, long at) =>
        new(source.Name, $"the archive is cut off at byte {source.Length}: an entry or its end mark is missing", null, at);

    private static long Align(long position, int alignment) => (position + alignment - 1) & -alignment;
}
