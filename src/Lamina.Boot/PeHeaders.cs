using System.Buffers.Binary;
using System.Text;
using Lamina.Archives;

namespace Lamina.Boot;

/// <summary>
/// The headers of a PE32+ program, as far as sections can be added to it: the sections' table, and what counts and sums them up.
/// Everything else stays as it is.
/// </summary>
internal sealed class PeHeaders
{
    private const int SignatureAt = 0x3C, CoffSize = 24, SectionSize = 40, HeaderLimit = 1 << 16;
    private const ushort Pe32Plus = 0x20B;
    private const uint DataReadOnly = 0x40000040;       // initialised data, readable

    // From the PE signature on: file header, then the optional header.
    private const int SectionCountAt = 6, OptionalSizeAt = 20, MagicAt = 24, InitializedSizeAt = 32, SectionAlignmentAt = 56;
    private const int MachineAt = 4, SymbolsAt = 12, SymbolCountAt = 16;

    // From the start of a section's header on.
    private const int NameSize = 8, VirtualSizeAt = 8, AddressAt = 12, StoredSizeAt = 16, StoredAt = 20;
    private const int FileAlignmentAt = 60, ImageSizeAt = 80, HeaderSizeAt = 84, CheckSumAt = 88, CertificatesAt = 168,
        SmallestOptional = 152;

    private readonly byte[] _bytes;
    private readonly int _start;
    private readonly int _table;
    private readonly string _name;

    private PeHeaders(byte[] bytes, int start, string name)
    {
        _bytes = bytes;
        _start = start;
        _name = name;
        _table = start + CoffSize + BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(start + OptionalSizeAt));
    }

    /// <summary>The headers' bytes, to be written where they came from.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>
    /// Runs of the headers that a signature covers, as offset and length in bytes: all but the check sum and the place of the
    /// signature itself.
    /// </summary>
    /// <exception cref="UnsupportedImageException">The headers have no place for a signature.</exception>
    public IReadOnlyList<(int Offset, int Length)> SignedRuns
    {
        get
        {
            RefuseWithoutCertificates();
            int sum = _start + CheckSumAt, entry = _start + CertificatesAt;
            return [(0, sum), (sum + 4, entry - sum - 4), (entry + 8, _bytes.Length - entry - 8)];
        }
    }

    /// <summary>Says where the signature lies in the file.</summary>
    public void SetSignature(uint offset, uint length)
    {
        RefuseWithoutCertificates();
        Set(CertificatesAt, offset);
        Set(CertificatesAt + 4, length);
    }

    private void RefuseWithoutCertificates()
    {
        if (_start + CertificatesAt + 8 > _table)
            throw new UnsupportedImageException(_name, "the headers have no place for a signature");
    }

    /// <summary>What section data in the file is aligned to, in bytes.</summary>
    public uint FileAlignment => Number(FileAlignmentAt);

    /// <summary>The kind of processor that it is for.</summary>
    public ushort Machine => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(_start + MachineAt));

    /// <summary>Whether there is a section of this name.</summary>
    public bool Has(string name) => Find(name) >= 0;

    /// <summary>The data of a section, as far as they are in the file; none if there is no such section.</summary>
    public byte[] ReadSection(ByteSource program, string name, int limit)
    {
        int at = Find(name);
        if (at < 0)
            return [];
        ReadOnlySpan<byte> section = Section(at);
        byte[] data = new byte[Math.Min((uint)limit, Math.Min(Word(section, VirtualSizeAt), Word(section, StoredSizeAt)))];
        program.ReadExactly(Word(section, StoredAt), data);
        return data;
    }

    private int SectionCount
    {
        get => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(_start + SectionCountAt));
        set => BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(_start + SectionCountAt), (ushort)value);
    }

    /// <summary>Reads the headers of a program.</summary>
    /// <exception cref="CorruptImageException">They are not there, or contradict themselves.</exception>
    /// <exception cref="UnsupportedImageException">The program is signed, or not of the 64-bit kind.</exception>
    public static PeHeaders Read(ByteSource program)
    {
        PeHeaders headers = ReadAny(program);
        headers.RefuseSigned();
        return headers;
    }

    /// <summary>Reads the headers of a program that nothing is added to.</summary>
    /// <exception cref="CorruptImageException">They are not there, or contradict themselves or the file.</exception>
    /// <exception cref="UnsupportedImageException">The program is not of the 64-bit kind.</exception>
    public static PeHeaders ReadAny(ByteSource program)
    {
        Span<byte> dos = stackalloc byte[SignatureAt + 4];
        dos.Clear();
        _ = program.Read(0, dos);
        uint start = BinaryPrimitives.ReadUInt32LittleEndian(dos[SignatureAt..]);
        if (!dos.StartsWith("MZ"u8) || start > HeaderLimit)
            throw new CorruptImageException(program.Name, "not an EFI program: no MZ header", null, 0);
        byte[] head = new byte[CoffSize + SmallestOptional];
        program.ReadExactly(start, head);
        if (!head.AsSpan().StartsWith("PE\0\0"u8))
            throw new CorruptImageException(program.Name, "not an EFI program: no PE signature", null, start);
        if (BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(MagicAt)) != Pe32Plus)
            throw new UnsupportedImageException(program.Name, "an EFI program that is not of the 64-bit kind (PE32+)");
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(HeaderSizeAt));
        if (size > HeaderLimit || size < start + head.Length)
            throw new CorruptImageException(program.Name, $"headers of {size} bytes", null, start + HeaderSizeAt);
        byte[] bytes = new byte[size];
        program.ReadExactly(0, bytes);
        PeHeaders headers = new(bytes, (int)start, program.Name);
        headers.Validate(program.Length);
        return headers;
    }

    /// <summary>Where the next section begins in memory: behind the last one, at a page.</summary>
    public uint NextAddress
    {
        get
        {
            uint end = 0;
            for (int i = 0; i < SectionCount; i++)
            {
                ReadOnlySpan<byte> section = Section(i);
                uint size = Math.Max(Word(section, VirtualSizeAt), Word(section, StoredSizeAt));
                end = Math.Max(end, checked(Word(section, AddressAt) + size));
            }
            uint alignment = Math.Max(Number(SectionAlignmentAt), CpioWriter.PageSize);
            return checked(end + alignment - 1) & ~(alignment - 1);
        }
    }

    /// <summary>
    /// Leaves out what lies behind the last section, as a table of symbols: no firmware looks at it, and sections that are added
    /// follow without a gap. Gives the end of what stays, in bytes.
    /// </summary>
    public long CutBehindSections()
    {
        Set(SymbolsAt, 0);
        Set(SymbolCountAt, 0);
        long end = _bytes.Length;
        for (int i = 0; i < SectionCount; i++)
        {
            if (Word(Section(i), StoredSizeAt) is > 0 and var stored)
                end = Math.Max(end, Word(Section(i), StoredAt) + (long)stored);
        }
        return end;
    }

    /// <summary>Adds a section with data.</summary>
    /// <param name="name">At most 8 letters.</param>
    /// <param name="size">The data's length in bytes.</param>
    /// <param name="fileOffset">Where the data is in the file.</param>
    /// <param name="stored">How many bytes it takes there, with what fills it up.</param>
    public void Add(string name, uint size, uint fileOffset, uint stored)
    {
        int at = _table + SectionCount * SectionSize;
        if (at + SectionSize > _bytes.Length)
            throw new UnsupportedImageException(_name, $"headers of {_bytes.Length} bytes have no room for section {name}");
        uint address = NextAddress;
        Span<byte> section = _bytes.AsSpan(at, SectionSize);
        section.Clear();
        Encoding.ASCII.GetBytes(name, section);
        BinaryPrimitives.WriteUInt32LittleEndian(section[VirtualSizeAt..], size);
        BinaryPrimitives.WriteUInt32LittleEndian(section[AddressAt..], address);
        BinaryPrimitives.WriteUInt32LittleEndian(section[StoredSizeAt..], stored);
        BinaryPrimitives.WriteUInt32LittleEndian(section[StoredAt..], fileOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(section[36..], DataReadOnly);
        SectionCount++;
        Set(InitializedSizeAt, checked(Number(InitializedSizeAt) + stored));
        Set(ImageSizeAt, Align(checked(address + size), Number(SectionAlignmentAt)));
        Set(CheckSumAt, 0);         // EFI does not look at it, and whoever signs the program sets it anew
    }

    private static uint Align(uint value, uint alignment) => checked(value + alignment - 1) & ~(alignment - 1);

    private int Find(string name)
    {
        byte[] padded = new byte[NameSize];
        Encoding.ASCII.GetBytes(name, padded);
        for (int i = 0; i < SectionCount; i++)
        {
            if (Section(i)[..NameSize].SequenceEqual(padded))
                return i;
        }
        return -1;
    }

    private ReadOnlySpan<byte> Section(int number) => _bytes.AsSpan(_table + number * SectionSize, SectionSize);

    private static uint Word(ReadOnlySpan<byte> section, int at) => BinaryPrimitives.ReadUInt32LittleEndian(section[at..]);

    private void Validate(long length)
    {
        if (_table + SectionCount * SectionSize > _bytes.Length)
            throw new CorruptImageException(_name, $"{SectionCount} sections do not fit the headers", null, _start
                + SectionCountAt);
        if (!uint.IsPow2(FileAlignment) || !uint.IsPow2(Number(SectionAlignmentAt)))
            throw new CorruptImageException(_name, "alignments that are no powers of two", null, _start + SectionAlignmentAt);
        for (int i = 0; i < SectionCount; i++)
        {
            uint stored = Word(Section(i), StoredSizeAt);
            long end = Word(Section(i), StoredAt) + (long)stored;
            if (stored > 0 && end > length)
            {
                throw new CorruptImageException(_name, $"the program is cut off: section {i + 1} ends at byte {end}, " +
                    $"the file at byte {length}", null, length);
            }
        }
    }

    private void RefuseSigned()
    {
        if (_start + CertificatesAt + 8 <= _table && Number(CertificatesAt) != 0)
            throw new UnsupportedImageException(_name, "the program is signed; what is added would break the signature",
                "Sign the result instead.");
    }

    private uint Number(int at) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(_start + at));

    private void Set(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(_start + at), value);
}
