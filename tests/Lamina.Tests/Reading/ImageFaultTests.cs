using System.Buffers.Binary;
using System.Text;
using Lamina.Checking;
using Lamina.Format;
using Lamina.Fuzz;
using Lamina.Reading;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Reading;

/// <summary>A sound image with one field changed: the check finds that fault, names it and the inode, and goes on.</summary>
public class ImageFaultTests
{
    private const int DirectoryNidAt = 0, DirectoryTypeAt = 10, ExtendedLinksAt = 44;
    private const int InosAt = SuperBlock.Offset + SuperBlock.InodesAt;

    /// <summary>What to change, in which image, and what the check must say of which path, if of one.</summary>
    private sealed record Case(string Image, string? Path, string Expected, Action<ErofsImage, byte[]> Change)
    {
        public FaultSeverity Severity { get; init; } = FaultSeverity.Error;
    }

    private static readonly Dictionary<string, Case> s_cases = new()
    {
        ["data layout"] = new("inline.erofs", "/text/4095", "data layout 7 is not known",
            (image, bytes) => bytes[At(image, "/text/4095")] |= 7 << 1),
        ["file type"] = new("inline.erofs", "/text/4095", "file type 0xF000 is not valid",
            (image, bytes) => bytes[At(image, "/text/4095") + 5] |= 0xF0),
        ["link count"] = new("extended.erofs", "/text/1", "its link count is 9, its names give 1",
            (image, bytes) => bytes[At(image, "/text/1") + ExtendedLinksAt] = 9),
        ["type in directory"] = new("inline.erofs", "/text/4095", "is a RegularFile, its directory",
            (image, bytes) => bytes[Record(image, bytes, "/text", "4095") + DirectoryTypeAt] = 2),
        ["nid too large"] = new("inline.erofs", "/text/100", "lies past the end of the image",
            (image, bytes) => bytes[Record(image, bytes, "/text", "100") + DirectoryNidAt + 3] = 1),
        ["parent"] = new("inline.erofs", "/text", "the entry \"..\" leads to inode",
            (image, bytes) => bytes[Record(image, bytes, "/text", "..") + DirectoryNidAt] ^= 1),
        ["order of names"] = new("inline.erofs", "/text", "does not come after",
            (image, bytes) => bytes[Name(image, bytes, "/text", "12289")] = (byte)'0'),
        ["slash in a name"] = new("inline.erofs", "/text", "holds a slash or a NUL",
            (image, bytes) => bytes[Name(image, bytes, "/text", "12289")] = (byte)'/'),
        ["directory within itself"] = new("inline.erofs", "/", "the directory is in two places",
            (image, bytes) => Write(bytes, Record(image, bytes, "/", "text"), image.RootEntry().Nid)),
        ["NUL in a link"] = new("inline.erofs", "/link/abs", "the target of a symbolic link holds a NUL",
            (image, bytes) => bytes[image.GetEntry("/link/abs").Inode.End] = 0),
        ["xattr namespace"] = new("inline.erofs", "/xattr/one", "xattr name index 99 is not known",
            (image, bytes) => bytes[image.GetEntry("/xattr/one").Inode.End - 16 + 1] = 99),
        ["block past the end"] = new("plain.erofs", "/text/65536", "lies past the end of",
            (image, bytes) => bytes[At(image, "/text/65536") + 18] = 9),
        ["chunk past the end"] = new("chunk-index.erofs", "/text/65536", "lies past the end of",
            (image, bytes) => bytes[Map(image, "/text/65536") + 7] = 9),
        ["codec not announced"] = new("zstd.erofs", "/text/65536", "algorithm Deflate is not among those",
            (image, bytes) => bytes[Map(image, "/text/65536") + 6] = 2),
        ["cluster of zeros"] = new("zstd.erofs", "/text/200001", "only zeros in its first block",
            (image, bytes) => Cluster(image, bytes, "/text/200001").Clear()),
        ["cluster of the packed file"] = new("frag-all.erofs", null, "only zeros in its first block",
            (image, bytes) => FirstCluster(((ImageEncodedContent)image.Packed!.Content).ReadOwnMap().Extents[0], bytes).Clear()),
        ["step back of 0"] = new("lz4-full.erofs", "/text/65536", "its record says 0",
            (image, bytes) => bytes.AsSpan((int)Map(image, "/text/65536") + 16 + 8 + 4, 2).Clear()),
        ["count of inodes"] = new("inline.erofs", null, "inos is 499, 411 inodes were found",
            (_, bytes) => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(InosAt), 499))
        { Severity = FaultSeverity.Warning },
    };

    public static TheoryData<string> Cases => [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public void One_changed_field_is_found_and_named(string name)
    {
        Case one = s_cases[name];
        byte[] bytes = Changed(one.Image, one.Change);
        IReadOnlyList<ImageFault> faults = ImageChecker.Check(Image(bytes)).Faults;
        ImageFault? fault = faults.FirstOrDefault(fault => fault.Message.Contains(one.Expected));
        Assert.True(fault is not null, string.Join('\n', faults));
        Assert.Equal(one.Severity, fault.Severity);
        Assert.Equal(one.Path, fault.Path is { } path ? Encoding.UTF8.GetString(path.Span) : null);
        Assert.Equal(one.Severity == FaultSeverity.Error, fault.Inode is not null);
    }

    [Fact]
    public void All_faults_are_reported_in_the_same_order_whatever_the_parallelism()
    {
        byte[] bytes = Changed("zstd.erofs", (image, bytes) =>
        {
            foreach (string path in (string[])["/text/200001", "/text/65536", "/text/65537", "/text/12289"])
                Cluster(image, bytes, path).Clear();
            bytes[Name(image, bytes, "/link", "abs")] = (byte)'z';
        });
        string[] alone = Lines(bytes, 1);
        Assert.InRange(alone.Length, 5, 20);
        for (int i = 0; i < 5; i++)
            Assert.Equal(alone, Lines(bytes, 4));
        CheckReport cut = ImageChecker.Check(Image(bytes), new CheckOptions { MaxFaults = 2 });
        Assert.Equal(2, cut.Faults.Count);
        Assert.False(cut.IsComplete);
    }

    [Fact]
    public void Sizes_that_together_are_above_the_largest_number_are_no_fault_of_the_program()
    {
        // Two sparse files of nearly 2^63 bytes each: flat, and all of it a hole.
        byte[] bytes = Changed("plain.erofs", (image, bytes) =>
        {
            foreach (string path in (string[])["/text/65536", "/text/65537"])
            {
                Span<byte> inode = bytes.AsSpan((int)At(image, path));
                Assert.Equal(1, inode[0] & 1);
                BinaryPrimitives.WriteInt64LittleEndian(inode[8..], long.MaxValue & ~4095);
                inode.Slice(6, 2).Fill(0xFF);
                inode.Slice(16, 4).Fill(0xFF);
            }
        });
        Assert.DoesNotContain(ImageChecker.Check(Image(bytes)).Faults, fault => fault.Path is not null);
    }

    [Fact]
    public void Data_in_a_last_block_that_is_cut_off_is_named_as_kernels_read_whole_blocks()
    {
        byte[] bytes = File.ReadAllBytes(Corpus.PathOf("layer-config-plain.erofs"))[..^1];
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(SuperBlock.Offset + 36), bytes.Length / 4096);
        Subject.Sum(bytes);
        Assert.Contains(ImageChecker.Check(Image(bytes)).Faults,
            fault => fault.Message.Contains("lies in the last block", StringComparison.Ordinal));
    }

    [Fact]
    public void A_device_whose_place_is_above_the_largest_number_is_named()
    {
        byte[] bytes = File.ReadAllBytes(Corpus.PathOf("blob.erofs"));
        int slot = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(SuperBlock.Offset + 88)) * DeviceSlot.Size;
        bytes.AsSpan(slot + 64, 12).Fill(0xFF);
        bytes[SuperBlock.Offset + 12] = 16;
        bytes[SuperBlock.Offset + 8] &= 0xFE;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(SuperBlock.Offset + 36), 0);
        Assert.Contains("device 1 has", Assert.Throws<CorruptImageException>(() => Image(bytes)).Message);
    }

    [Fact]
    public void An_image_that_cannot_be_opened_has_that_as_its_one_fault()
    {
        string path = Scratch.NewPath("bad.erofs");
        byte[] bytes = File.ReadAllBytes(Corpus.PathOf("inline.erofs"));
        bytes[InosAt]++;
        File.WriteAllBytes(path, bytes);
        CheckReport report = ImageChecker.Check(path);
        Assert.Contains("superblock checksum", Assert.Single(report.Faults).Message);
        Assert.False(report.IsSound);
    }

    [Fact]
    public void A_fault_is_a_line_that_names_inode_path_and_byte()
    {
        ImageFault fault = new(FaultSeverity.Error, 36, "/a b"u8.ToArray(), 0x480, "data layout 7 is not known");
        Assert.Equal("inode 36 (/a\\x20b): data layout 7 is not known (byte 0x480)", fault.ToString());
    }

    private static string[] Lines(byte[] bytes, int parallelism)
    {
        CheckReport report = ImageChecker.Check(Image(bytes), new CheckOptions { Threads = parallelism });
        return [.. report.Faults.Select(fault => fault.ToString())];
    }

    private static ErofsImage Image(byte[] bytes) => ErofsImage.Open(ByteSource.FromMemory("changed", bytes));

    private static byte[] Changed(string name, Action<ErofsImage, byte[]> change)
    {
        byte[] bytes = File.ReadAllBytes(Corpus.PathOf(name));
        using ErofsImage image = Image(File.ReadAllBytes(Corpus.PathOf(name)));
        change(image, bytes);
        if (image.SuperBlock.Has(CompatibleFeatures.SuperBlockChecksum))
            SuperBlock.WriteChecksum(bytes.AsSpan(SuperBlock.Offset, SuperBlock.ChecksummedLength(image.BlockSize)));
        return bytes;
    }

    private static long At(ErofsImage image, string path) => image.GetEntry(path).Inode.Position;

    private static long Map(ErofsImage image, string path) => (image.GetEntry(path).Inode.End + 7) & ~7L;

    private static Span<byte> Cluster(ErofsImage image, byte[] bytes, string path)
    {
        ImageEncodedContent content = (ImageEncodedContent)image.OpenContent(image.GetEntry(path).Inode);
        return FirstCluster(content.ReadOwnMap().Extents[0], bytes);
    }

    private static Span<byte> FirstCluster(Lamina.Tree.ClusterExtent extent, byte[] bytes) =>
        bytes.AsSpan((int)extent.Offset, extent.EncodedLength);

    /// <summary>The first block of a small directory, which stands behind its inode.</summary>
    private static (long Position, DirectoryRecord Record) Find(
        ErofsImage image, byte[] bytes, string directory, string name, out long start)
    {
        Inode inode = image.GetEntry(directory).Inode;
        Assert.Equal(DataLayout.FlatInline, inode.Record.Layout);
        start = inode.End;
        byte[] wanted = Encoding.UTF8.GetBytes(name);
        int count = DirectoryRecord.Parse(bytes.AsSpan((int)start)).NameOffset / DirectoryRecord.Size;
        for (int i = 0; i < count; i++)
        {
            long at = start + i * DirectoryRecord.Size;
            DirectoryRecord record = DirectoryRecord.Parse(bytes.AsSpan((int)at));
            Span<byte> behind = bytes.AsSpan((int)at + DirectoryRecord.Size);
            int end = i + 1 < count ? DirectoryRecord.Parse(behind).NameOffset : (int)inode.Size;
            if (bytes.AsSpan((int)start + record.NameOffset, end - record.NameOffset).SequenceEqual(wanted))
                return (at, record);
        }
        throw new InvalidOperationException($"{directory} has no {name}");
    }

    private static long Record(ErofsImage image, byte[] bytes, string directory, string name) =>
        Find(image, bytes, directory, name, out _).Position;

    private static long Name(ErofsImage image, byte[] bytes, string directory, string name) =>
        Find(image, bytes, directory, name, out long start).Record.NameOffset + start;

    private static void Write(byte[] bytes, long position, ulong nid) =>
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan((int)position), nid);
}
