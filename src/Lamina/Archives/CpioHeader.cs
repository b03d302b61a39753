using System.Globalization;
using System.Text;

namespace Lamina.Archives;

/// <summary>
/// The head of an entry in a newc archive: a magic, then thirteen numbers of eight hexadecimal digits. The name follows.
/// </summary>
/// <param name="Inode">c_ino: names of one file with several links have the same.</param>
/// <param name="Mode">c_mode: type and permissions as <c>st_mode</c> has them.</param>
/// <param name="Links">c_nlink</param>
/// <param name="BodySize">c_filesize: bytes of data, whatever the type.</param>
/// <param name="NameSize">c_namesize: with the final NUL and all further NULs.</param>
internal readonly record struct CpioHeader(uint Inode, uint Mode, uint Links, uint BodySize, uint NameSize)
{
    public const int Size = 110;

    /// <summary>Headers, and bodies behind their name, begin at multiples of this.</summary>
    public const int Alignment = 4;

    /// <summary>The name that ends an archive.</summary>
    public const string Trailer = "TRAILER!!!";

    /// <summary>PATH_MAX with its NUL: an entry with a longer name is skipped by the kernel without a word.</summary>
    public const int MaxNameSize = 4096;

    private const int DigitCount = 8;
    private const int InodeAt = 6, ModeAt = 14, UserAt = 22, GroupAt = 30, LinksAt = 38, TimeAt = 46, SizeAt = 54;
    private const int MajorAt = 62, MinorAt = 70, RdevMajorAt = 78, RdevMinorAt = 86, NameSizeAt = 94, CheckSumAt = 102;

    /// <summary>c_rdevmajor</summary>
    public uint DeviceMajor { get; init; }

    /// <summary>c_rdevminor</summary>
    public uint DeviceMinor { get; init; }

    /// <summary>c_uid</summary>
    public uint UserId { get; init; }

    /// <summary>c_gid</summary>
    public uint GroupId { get; init; }

    /// <summary>c_mtime: seconds since 1970.</summary>
    public uint Modified { get; init; }

    /// <summary>c_devmajor: what the inode was on, with <see cref="SourceMinor"/>.</summary>
    public uint SourceMajor { get; init; }

    /// <summary>c_devminor</summary>
    public uint SourceMinor { get; init; }

    /// <summary>c_chksum: the sum of the data's bytes; null in archives that have none.</summary>
    public uint? CheckSum { get; init; }

    /// <summary>Whether these bytes begin an entry, without or with check sums.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> bytes) => bytes.StartsWith("070701"u8) || bytes.StartsWith("070702"u8);

    /// <summary>Reads a header; false if a number has a character that is no digit.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out CpioHeader header)
    {
        header = default;
        if (!TryRead(bytes, InodeAt, out uint inode) || !TryRead(bytes, ModeAt, out uint mode) ||
            !TryRead(bytes, UserAt, out uint user) || !TryRead(bytes, GroupAt, out uint group) ||
            !TryRead(bytes, LinksAt, out uint links) || !TryRead(bytes, TimeAt, out uint time) ||
            !TryRead(bytes, SizeAt, out uint size) || !TryRead(bytes, MajorAt, out uint sourceMajor) ||
            !TryRead(bytes, MinorAt, out uint sourceMinor) || !TryRead(bytes, RdevMajorAt, out uint major) ||
            !TryRead(bytes, RdevMinorAt, out uint minor) || !TryRead(bytes, NameSizeAt, out uint nameSize) ||
            !TryRead(bytes, CheckSumAt, out uint sum))
        {
            return false;
        }
        header = new CpioHeader(inode, mode, links, size, nameSize)
        {
            DeviceMajor = major,
            DeviceMinor = minor,
            UserId = user,
            GroupId = group,
            Modified = time,
            SourceMajor = sourceMajor,
            SourceMinor = sourceMinor,
            CheckSum = bytes.StartsWith("070702"u8) ? sum : null,
        };
        return true;
    }

    /// <summary>Writes a header that belongs to root and has no time: nothing in it changes from day to day.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        bytes[..Size].Fill((byte)'0');
        "070701"u8.CopyTo(bytes);
        Write(bytes, InodeAt, Inode);
        Write(bytes, ModeAt, Mode);
        Write(bytes, LinksAt, Links);
        Write(bytes, SizeAt, BodySize);
        Write(bytes, RdevMajorAt, DeviceMajor);
        Write(bytes, RdevMinorAt, DeviceMinor);
        Write(bytes, NameSizeAt, NameSize);
    }

    private static bool TryRead(ReadOnlySpan<byte> bytes, int at, out uint value) =>
        uint.TryParse(bytes.Slice(at, DigitCount), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    private static void Write(Span<byte> bytes, int at, uint value) =>
        Encoding.ASCII.GetBytes(value.ToString("x8", CultureInfo.InvariantCulture), bytes[at..]);
}
