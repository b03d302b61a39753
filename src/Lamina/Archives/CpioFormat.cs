using System.Globalization;

namespace Lamina.Archives;

/// <summary>An entry of a cpio archive with all that its header says.</summary>
/// <param name="Path">The name as it stands there, without its NUL.</param>
/// <param name="Mode">Type and permissions as <c>st_mode</c> has them.</param>
/// <param name="User">The owner.</param>
/// <param name="Group">The group.</param>
/// <param name="Modified">Seconds since 1970.</param>
/// <param name="Links">How many names the file had.</param>
/// <param name="Inode">The inode; names of one file have the same, on the same device.</param>
/// <param name="Device">The device that the inode is on.</param>
/// <param name="Rdev">Of a device node: which, major and minor number.</param>
/// <param name="BodyOffset">Where the data begin in the source.</param>
/// <param name="BodySize">Their length in bytes.</param>
/// <param name="CheckSum">The sum of the data's bytes; null in archives that have none.</param>
internal sealed record CpioFile(byte[] Path, uint Mode, uint User, uint Group, long Modified, uint Links, ulong Inode,
    ulong Device, (uint Major, uint Minor) Rdev, long BodyOffset, long BodySize, uint? CheckSum);

/// <summary>Reads headers of cpio archives: newc, the same with check sums, and the portable one of POSIX (odc).</summary>
internal static class CpioFormat
{
    private const int OldSize = 76, OldAlignment = 1;

    /// <summary>Bytes by which an archive is known.</summary>
    public const int MagicSize = 6;

    /// <summary>Whether bytes begin an entry of an archive that can be read.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> bytes) => CpioHeader.HasMagic(bytes) || bytes.StartsWith("070707"u8);

    /// <summary>Whether bytes begin an archive of the binary form of old Unix, of either byte order.</summary>
    public static bool IsBinary(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0xC7, 0x71]) ||
        bytes.StartsWith((ReadOnlySpan<byte>)[0x71, 0xC7]);

    /// <summary>Reads the entry at a position; null at the mark that ends an archive.</summary>
    /// <param name="source">The archive.</param>
    /// <param name="at">Where the header begins.</param>
    /// <param name="next">Where the next header begins.</param>
    /// <exception cref="CorruptImageException">It is cut off, or no header.</exception>
    public static CpioFile? Read(ByteSource source, long at, out long next)
    {
        Span<byte> header = stackalloc byte[CpioHeader.Size];
        header = header[..source.Read(at, header)];
        if (header.Length < OldSize)
            throw CutOff(source, at);
        if (!HasMagic(header))
            throw new CorruptImageException(source.Name, "no header of a cpio archive where one must be", null, at);
        bool isOld = header.StartsWith("070707"u8);
        if (!isOld && header.Length < CpioHeader.Size)
            throw CutOff(source, at);
        int size = isOld ? OldSize : CpioHeader.Size, alignment = isOld ? OldAlignment : CpioHeader.Alignment;
        uint[] fields = isOld ? OldFields(source, header, at) : NewFields(source, header, at);
        uint nameSize = fields[Field.NameSize];
        if (nameSize is 0 or > CpioHeader.MaxNameSize)
        {
            throw new CorruptImageException(source.Name,
                $"a name of {nameSize} bytes; 1 to {CpioHeader.MaxNameSize} are possible", null, at);
        }
        byte[] name = new byte[nameSize];
        if (source.Read(at + size, name) < name.Length)
            throw CutOff(source, at);
        long body = Align(at + size + nameSize, alignment), bodySize = fields[Field.Size];
        if (body > source.Length - bodySize)
            throw CutOff(source, at);
        next = Align(body + bodySize, alignment);
        int end = name.AsSpan().IndexOf((byte)0);
        byte[] path = end < 0 ? name : name[..end];
        if (path.AsSpan().SequenceEqual("TRAILER!!!"u8))
            return null;
        return new CpioFile(path, fields[Field.Mode], fields[Field.User], fields[Field.Group], fields[Field.Time],
            fields[Field.Links], fields[Field.Inode], (ulong)fields[Field.Major] << 32 | fields[Field.Minor],
            (fields[Field.RdevMajor], fields[Field.RdevMinor]), body, bodySize,
            header.StartsWith("070702"u8) ? fields[Field.Check] : null);
    }

    /// <summary>The numbers of a newc header, in its order.</summary>
    private static class Field
    {
        public const int Inode = 0, Mode = 1, User = 2, Group = 3, Links = 4, Time = 5, Size = 6, Major = 7, Minor = 8;
        public const int RdevMajor = 9, RdevMinor = 10, NameSize = 11, Check = 12, Count = 13;
    }

    private static uint[] NewFields(ByteSource source, ReadOnlySpan<byte> header, long at)
    {
        uint[] fields = new uint[Field.Count];
        for (int i = 0; i < fields.Length; i++)
        {
            if (!uint.TryParse(header.Slice(MagicSize + 8 * i, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out fields[i]))
            {
                throw NoNumber(source, at);
            }
        }
        return fields;
    }

    /// <summary>
    /// dev, ino, mode, uid, gid, nlink, rdev: six octal digits each; mtime: eleven; namesize: six; filesize: eleven.
    /// </summary>
    private static uint[] OldFields(ByteSource source, ReadOnlySpan<byte> header, long at)
    {
        ReadOnlySpan<int> widths = [6, 6, 6, 6, 6, 6, 6, 11, 6, 11];
        Span<uint> numbers = stackalloc uint[widths.Length];
        int start = MagicSize;
        for (int i = 0; i < widths.Length; i++)
        {
            ulong value = 0;
            foreach (byte digit in header.Slice(start, widths[i]))
            {
                if (digit is < (byte)'0' or > (byte)'7')
                    throw NoNumber(source, at);
                value = value * 8 + (uint)(digit - '0');
            }
            if (value > uint.MaxValue)
                throw NoNumber(source, at);
            numbers[i] = (uint)value;
            start += widths[i];
        }
        // Devices are one number there: eight bits for the minor one.
        return [numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[7], numbers[9], numbers[0] >> 8,
            numbers[0] & 0xFF, numbers[6] >> 8, numbers[6] & 0xFF, numbers[8], 0];
    }

    private static CorruptImageException NoNumber(ByteSource source, long at) =>
        new(source.Name, "a header of a cpio archive with a number that is none", null, at);

    private static CorruptImageException CutOff(ByteSource source, long at) =>
        new(source.Name, $"the archive is cut off at byte {source.Length}: an entry or its end mark is missing", null, at);

    private static long Align(long position, int alignment) => (position + alignment - 1) & -alignment;
}
