using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Lamina.Tree;

namespace Lamina.Archives;

/// <summary>The header of a file in a tar archive, with a pax header in front of it where its fields are too small.</summary>
internal sealed class TarEntry(Node node, byte[] path)
{
    public const int BlockSize = 512;

    private const int NameField = 100;

    /// <summary>What fields of 8 and of 12 bytes hold: as many octal digits less one.</summary>
    private const long SmallLimit = (1L << 21) - 1, LargeLimit = (1L << 33) - 1;

    private readonly List<byte> _records = [];

    /// <summary>For a further name of a file: the first one.</summary>
    public byte[]? LinkTarget { get; init; }

    /// <summary>The bytes that follow.</summary>
    public long Size { get; init; }

    /// <summary>For a sparse file: its whole size.</summary>
    public long? SparseSize { get; init; }

    private byte[] Target => LinkTarget ?? (node.Type == NodeType.SymbolicLink ? node.Target : []);

    public static byte[] Digits(long number) => Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));

    public void WriteTo(ArchiveStream archive)
    {
        byte[] shown = SparseSize is null ? path : SparsePath();
        Compose(shown);
        if (_records.Count > 0)
        {
            byte[] name = [.. "./PaxHeaders/"u8, .. LastName().AsSpan()];
            WriteHeader(archive, name, [], (byte)'x', _records.Count, isPlain: true);
            archive.Write([.. _records]);
            archive.Align(BlockSize);
        }
        WriteHeader(archive, shown, Target, TypeFlag(), Size, isPlain: false);
    }

    /// <summary>The pax records, in a fixed order: what the header's own fields cannot say.</summary>
    private void Compose(byte[] shown)
    {
        Timestamp time = node.Modified;
        bool needsPath = shown.Length > NameField, needsTarget = Target.Length > NameField;
        if ((needsPath && !Utf8.IsValid(shown)) || (needsTarget && !Utf8.IsValid(Target))
            || (SparseSize is not null && !Utf8.IsValid(path)))
            Add("hdrcharset"u8, "BINARY"u8);
        if (needsPath)
            Add("path"u8, shown);
        if (needsTarget)
            Add("linkpath"u8, Target);
        if (Size > LargeLimit)
            Add("size"u8, Digits(Size));
        if (node.UserId > SmallLimit)
            Add("uid"u8, Digits(node.UserId));
        if (node.GroupId > SmallLimit)
            Add("gid"u8, Digits(node.GroupId));
        if (time.Nanoseconds != 0 || time.Seconds is < 0 or > LargeLimit)
            Add("mtime"u8, Decimal(time));
        if (SparseSize is { } size)
        {
            Add("GNU.sparse.major"u8, "1"u8);
            Add("GNU.sparse.minor"u8, "0"u8);
            Add("GNU.sparse.name"u8, path);
            Add("GNU.sparse.realsize"u8, Digits(size));
        }
        if (LinkTarget is not null)
            return;
        foreach (ref readonly Xattr xattr in node.Xattrs.Items)
            Add([.. "SCHILY.xattr."u8, .. Escape(xattr.Name.Span)], xattr.Value.Span);
    }

    private void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        // A record begins with its own length, the digits of that included.
        int rest = key.Length + value.Length + 3;
        int length = rest + 1;
        while (rest + Digits(length).Length != length)
            length = rest + Digits(length).Length;
        _records.AddRange(Digits(length));
        _records.Add((byte)' ');
        _records.AddRange(key);
        _records.Add((byte)'=');
        _records.AddRange(value);
        _records.Add((byte)'\n');
    }

    /// <summary>The two characters that GNU tar writes otherwise in the name of an attribute.</summary>
    private static byte[] Escape(ReadOnlySpan<byte> name)
    {
        List<byte> escaped = new(name.Length);
        foreach (byte b in name)
        {
            if (b is (byte)'=' or (byte)'%')
                escaped.AddRange(b == '=' ? "%3D"u8 : "%25"u8);
            else
                escaped.Add(b);
        }
        return [.. escaped];
    }

    /// <summary>
    /// Seconds with a fraction. Nanoseconds count forward also before 1970, where the number's digits count back.
    /// </summary>
    private static byte[] Decimal(Timestamp time)
    {
        bool isNegative = time.Seconds < 0;
        Int128 nanoseconds = (Int128)time.Seconds * 1_000_000_000 + time.Nanoseconds;
        (Int128 seconds, Int128 fraction) = Int128.DivRem(Int128.Abs(nanoseconds), 1_000_000_000);
        string digits = fraction.ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0');
        string whole = seconds.ToString(CultureInfo.InvariantCulture);
        string sign = isNegative ? "-" : "";
        return Encoding.ASCII.GetBytes(digits.Length == 0 ? sign + whole : $"{sign}{whole}.{digits}");
    }

    private byte[] LastName()
    {
        ReadOnlySpan<byte> name = path.AsSpan().TrimEnd((byte)'/');
        return name[(name.LastIndexOf((byte)'/') + 1)..].ToArray();
    }

    /// <summary>What tools that do not know sparse files extract them as, map included.</summary>
    private byte[] SparsePath()
    {
        byte[] name = LastName();
        return [.. path.AsSpan(0, path.Length - name.Length), .. "GNUSparseFile.0/"u8, .. name];
    }

    private byte TypeFlag() => (byte)(LinkTarget is not null ? '1' : node.Type switch
    {
        NodeType.RegularFile => '0',
        NodeType.SymbolicLink => '2',
        NodeType.CharacterDevice => '3',
        NodeType.BlockDevice => '4',
        NodeType.Directory => '5',
        _ => '6',
    });

    private void WriteHeader(ArchiveStream archive, ReadOnlySpan<byte> name, ReadOnlySpan<byte> target, byte type, long size,
        bool isPlain)
    {
        Span<byte> header = stackalloc byte[BlockSize];
        header.Clear();
        name[..Math.Min(name.Length, NameField)].CopyTo(header);
        Octal(header.Slice(100, 8), isPlain ? 0x1A4 : node.Permissions);
        Octal(header.Slice(108, 8), isPlain || node.UserId > SmallLimit ? 0 : node.UserId);
        Octal(header.Slice(116, 8), isPlain || node.GroupId > SmallLimit ? 0 : node.GroupId);
        Octal(header.Slice(124, 12), size > LargeLimit ? 0 : size);
        Octal(header.Slice(136, 12), isPlain ? 0 : Math.Clamp(node.Modified.Seconds, 0, LargeLimit));
        header.Slice(148, 8).Fill((byte)' ');
        header[156] = type;
        target[..Math.Min(target.Length, NameField)].CopyTo(header[157..]);
        "ustar\0"u8.CopyTo(header[257..]);
        "00"u8.CopyTo(header[263..]);
        if (type is (byte)'3' or (byte)'4')
        {
            Octal(header.Slice(329, 8), node.Device.Major);
            Octal(header.Slice(337, 8), node.Device.Minor);
        }
        long sum = 0;
        foreach (byte b in header)
            sum += b;
        Octal(header.Slice(148, 7), sum);
        archive.Write(header);
    }

    private static void Octal(Span<byte> field, long value)
    {
        for (int i = field.Length - 2; i >= 0; i--, value >>= 3)
            field[i] = (byte)('0' + (value & 7));
        field[^1] = 0;
    }
}
