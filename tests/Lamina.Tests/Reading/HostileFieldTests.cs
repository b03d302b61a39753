using System.Buffers.Binary;
using Lamina.Fuzz;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Reading;

/// <summary>
/// A good image with one field changed: the exact fault for the values that matter, the contract for all others.
/// </summary>
public class HostileFieldTests
{
    private const string Compact = "lz4hc-64k.erofs", Full = "lz4-full.erofs", Extents = "48bit.erofs",
        Chunks = "chunk-index.erofs";
    private const string Fragments = "frag-all-dedupe.erofs", Tails = "ztail.erofs", Metabox = "metabox.erofs",
        Prefixes = "xattr-prefix-frag.erofs";
    private const string Plain = "extended.erofs", Shared = "xattr-shared.erofs", Devices = "blob.erofs",
        Codecs = "two-algs.erofs", Lzma = "lzma.erofs";

    private static readonly HostileImage s_hostile = new();

    /// <summary>
    /// Image, place, byte in it, size, value, and what the message must say; "unsupported" in front for the other kind.
    /// </summary>
    public static TheoryData<string, string, int, int, ulong, string> Faults => new()
    {
        { Plain, "superblock", 0, 4, 0, "not an EROFS image: no magic number (byte 0x400)" },
        { Plain, "superblock", 4, 4, 1, "superblock checksum is 0x00000001, its bytes give" },
        { Plain, "superblock", 12, 1, 8, "block size 2^8 is not between 2^9 and 2^16 (byte 0x40C)" },
        { Plain, "superblock", 12, 1, 17, "block size 2^17 is not between" },
        { Plain, "superblock", 13, 1, 240, "240 extension slots make a superblock of 3968 bytes, 3072 are possible" },
        { Plain, "superblock", 14, 2, 0xFFFF, "inode 65535: lies past the end of the image" },
        { Plain, "superblock", 14, 2, 0, "inode 0:" },
        { Plain, "superblock", 32, 4, 1_000_000_000, "" },
        { Plain, "superblock", 36, 4, 0xFFFF_FFFF, "the superblock says 4294967295 blocks of 4096 bytes" },
        { Plain, "superblock", 40, 4, 0xFFFF_FFFF, "lies past the end of the image" },
        { Plain, "superblock", 80, 4, 0x200, "unsupported: feature incompat-0x200 is not known" },
        { Plain, "superblock", 80, 4, 0x8000_0000, "unsupported: feature incompat-0x80000000 is not known" },
        { Plain, "superblock", 90, 1, 1, "unsupported: directory blocks" },
        { Plain, "superblock", 91, 1, 1, "xattr name prefix 0 has 0 bytes" },
        { Plain, "superblock", 96, 8, 1UL << 63, "the packed file is said to be in the metabox" },
        { Plain, "superblock", 8, 4, 0x9, "shared xattrs are said to be in the metabox, and the image has none" },
        { Plain, "superblock", 8, 4, 0x21, "the fingerprints of files are named by prefix 0 of 0" },
        { Plain, "superblock", 86, 2, 5, "5 devices without the device_table feature (byte 0x456)" },
        { Plain, "inode:/text/1", 0, 2, 1 | 5 << 1, "data layout 5 is not known" },
        { Plain, "inode:/text/1", 0, 2, 1 | 1 << 5, "i_format has bits that are not known" },
        { Plain, "inode:/text/1", 2, 2, 0xFFFF, "xattr" },
        { Plain, "inode:/xattr/one", 2, 2, 1, "12 bytes of xattrs hold a header alone" },
        { Plain, "inode:/text/1", 4, 2, 0x3000, "file type 0x3000 is not valid" },
        { Plain, "inode:/text/1", 4, 2, 0x41ED, "is a Directory, its directory (inode 64) says RegularFile" },
        { Plain, "inode:/text/1", 8, 8, 1UL << 63, "size 9223372036854775808 is above 2^63-1" },
        { Plain, "inode:/text/1", 8, 8, long.MaxValue, "" },
        { Plain, "inode:/text/1", 40, 4, 1_000_000_000, "1000000000 nanoseconds are a second or more" },
        { Plain, "inode:/text/4096", 16, 4, 0x7FFF_FFFF, "data at byte 0x7FFFFFFF000 (4096 bytes) lies past the end" },
        { Plain, "inode:/text/4096", 16, 4, 0xFFFF_FFFF, "lies past the end" },
        { Plain, "inode:/text/200001", 8, 8, 1UL << 50, "lies past the end of hostile.erofs" },
        { Plain, "inode:/link/short", 8, 8, 4096, "a symbolic link of 4096 bytes; 1 to 4095 are possible" },
        { Plain, "inode:/link/short", 8, 8, 0, "a symbolic link of 0 bytes" },
        { Plain, "inode:/many", 8, 8, (1UL << 40) + 1, "a directory of 1099511627777 bytes is too large" },
        { Plain, "directory:/many", 8, 2, 0, "the directory block at byte 0 has no sound first record" },
        { Plain, "directory:/many", 8, 2, 0xFFFF, "the directory block at byte 0 has no sound first record" },
        { Plain, "directory:/many", 20, 2, 0xFFFF, "name 0 of the block at byte 0 is at" },
        { Plain, "directory:/many", 24, 8, ulong.MaxValue, "the image has no metabox, but an inode in it" },
        { Plain, "directory:/many", 24, 8, long.MaxValue, "inode 9223372036854775807: lies past the end of the image" },
        { Plain, "directory:/many", 34, 1, 2, "is a RegularFile, its directory" },
        { Plain, "xattrs:/xattr/one", 0, 4, 0xFFFF_FFFF, "the filter of its xattr names says that" },
        { Plain, "xattrs:/xattr/acl", 16, 4, 3, "a POSIX ACL of version 3; 2 is expected" },
        { Plain, "xattrs:/xattr/acl", 20, 2, 3, "a POSIX ACL has an entry of kind 0x3, which is not known" },
        { Plain, "xattrs:/xattr/cap", 26, 4, 0x0100_0000, "file capabilities of 20 bytes and revision 0x1000000" },
        { Plain, "xattrs:/xattr/one", 4, 1, 255, "255 shared xattrs do not fit into" },
        { Plain, "xattrs:/xattr/one", 12, 1, 255, "reaches past the inode's" },
        { Plain, "xattrs:/xattr/one", 13, 1, 7, "xattr name index 7 is not known" },
        { Plain, "xattrs:/xattr/one", 13, 1, 0x80, "xattr name prefix 0 of 0" },
        { Plain, "xattrs:/xattr/one", 13, 1, 2, "a POSIX ACL has a name of its own" },
        { Plain, "xattrs:/xattr/one", 14, 2, 0xFFFF, "reaches past the inode's" },
        { "xattr-inline.erofs", "superblock", 91, 1, 4, "xattr name prefix 0 has 0 bytes" },
        { Shared, "xattrs:/xattr/shared-0", 12, 4, 0x7FFF_FFFF, "expected past the end" },
        { Prefixes, "superblock", 92, 4, 0xFFFF_FFFF, "expected past the end" },
        { Extents, "superblock", 80, 4, 0, "which no feature of the superblock announces" },
        { Chunks, "inode:/mixed/half", 16, 2, 0x20 | 0x80, "chunk format 0xa0 has bits that are not known" },
        { Chunks, "inode:/mixed/half", 16, 2, 0x20 | 31, "" },
        { Chunks, "inode:/mixed/half", 8, 8, 1UL << 45, "chunk entries reach past the end of the image" },
        { Chunks, "inode:/mixed/half", 8, 8, 1UL << 25, "lies past the end of hostile.erofs" },
        { Chunks, "chunks:/mixed/half", 4, 4, 0x7FFF_FFFF, "lies past the end of hostile.erofs" },
        { Chunks, "chunks:/mixed/half", 4, 4, 0xFFFF_FFFF, "" },
        { Devices, "superblock", 86, 2, 2, "unsupported: has 2 devices, 1 were given" },
        { Devices, "superblock", 88, 2, 0xFFFF, "expected past the end" },
        { Devices, "devices", 64, 4, 0xFFFF_FFFF, "device 1 has 4294967295 blocks of 4096 bytes, device has" },
        { Devices, "devices", 72, 2, 0xFFFF, "device 1 has" },
        { Devices, "chunks:/mixed/half", 2, 2, 0xFFFF, "" },
        { Compact, "map:/text/200001", 7, 1, 0xF, "logical clusters of 2^27 bytes are not possible" },
        { Compact, "map:/text/200001", 7, 1, 1, "unsupported: inode 4713: compact index with logical clusters of 2^13 bytes" },
        { Compact, "map:/text/200001", 6, 1, 3, "algorithm Zstd is not among those the superblock names" },
        { Compact, "map:/text/200001", 6, 1, 9, "unsupported: inode 4713: compression algorithm 9 is not known" },
        { Compact, "map:/text/200001", 6, 1, 0x90, "unsupported: inode 4713: compression algorithm 9 is not known" },
        { Compact, "map:/text/200001", 4, 2, 0x2, "big clusters for one of two heads only" },
        { Compact, "map:/text/200001", 4, 2, 0x27, "a fragment, but the image has no packed file" },
        { Compact, "map:/text/200001", 0, 8, 1UL << 63, "a fragment, but the image has no packed file" },
        { Compact, "inode:/text/200001", 8, 8, 1UL << 60, "logical clusters reaches past the end of the image" },
        { Compact, "index:/text/200001", 4, 4, 0x7FFF_FFFF, "lies past the end of hostile.erofs" },
        { Compact, "index:/text/200001", 0, 2, 0, "" },
        { Compact, "index:/text/200001", 8, 2, 0x2805, "logical cluster 2 counts blocks, though its head is 2 before it" },
        { Full, "index:/text/200001", 8, 2, 2, "logical cluster 0 has no head before it" },
        { Full, "index:/text/200001", 10, 2, 4096, "logical cluster 0 has its head at 4096" },
        { Full, "index:/text/200001", 10, 2, 1, "the first extent begins at 1, not at 0" },
        { Full, "index:/text/200001", 12, 4, 0xFFFF_FFF0, "lies past the end of hostile.erofs" },
        { Full, "index:/text/200001", 20, 4, 0x0801, "logical cluster 1 counts blocks, without big clusters" },
        { Full, "index:/text/200001", 22, 2, 0x7FFF, "has a head, which a record before it says is in 32768" },
        { Full, "map:/text/200001", 4, 2, 1, "" },
        { Extents, "map:/text/200001", 0, 4, 0xFFFF_FFFF, "extents reach past the end of the image" },
        { Extents, "map:/text/200001", 0, 4, 0, "no extents, though the file is not empty" },
        { Extents, "index:/text/200001", 8, 4, 0x1020_0000 - 1, "a cluster of 2097151 bytes is above 1048576" },
        { Extents, "index:/text/200001", 8, 4, 0xF000_1000, "unsupported: inode 4450: compression algorithm 14 is not known" },
        { Extents, "index:/text/200001", 8, 4, 0x1001_0000, "a cluster of 65536 bytes decodes to" },
        { Extents, "superblock", 24, 8, long.MaxValue, "" },
        { Extents, "index:/text/200001", 12, 8, ulong.MaxValue, "lies past the end of hostile.erofs" },
        { Extents, "index:/text/200001", 20, 4, 5, "the first extent begins at 5, not at 0" },
        { Extents, "index:/text/200001", 36, 4, 0xFFFF_FFFF, "extent 1 begins at 4294967295, behind the end of the file" },
        { Extents, "index:/text/200001", 36, 4, 0, "an extent begins at 0, the one before at 0" },
        { Fragments, "map:/text/200001", 0, 8, ulong.MaxValue,
            "its fragment at 9223372036854775807 (200001 bytes) reaches past the packed file's" },
        { Fragments, "superblock", 96, 8, 0, "a fragment, but the image has no packed file" },
        { Fragments, "superblock", 96, 8, 38, "reaches past the packed file's" },
        { Fragments, "superblock", 96, 8, 1UL << 63 | 38, "the packed file is said to be in the metabox" },
        { Fragments, "packedmap", 0, 8, 1UL << 63, "the packed file would be needed to read the packed file" },
        { Fragments, "packed", 8, 8, long.MaxValue, "logical clusters reaches past the end of the image" },
        { Tails, "map:/text/12289", 2, 2, 0xFFFF, "an inline cluster of 65535 bytes does not fit into the block it begins in" },
        { Tails, "map:/text/12289", 2, 2, 5, "cluster of 5 bytes does not decode to 12289 bytes" },
        { Metabox, "superblock", 128, 8, 1UL << 63, "the metabox has no inode of its own" },
        { Metabox, "superblock", 128, 8, 0, "inode 0" },
        { Metabox, "superblock", 13, 1, 0, "" },
        { Metabox, "metabox", 8, 8, 64, "extent 1 begins at 13181, behind the end of the file" },
        { Codecs, "superblock", 84, 2, 0x10, "unsupported: compression algorithms 0x10, of which only 0xf are known" },
        { Codecs, "configs", 0, 2, 0, "the configuration of codec 0 has 0 bytes" },
        { Codecs, "configs", 0, 2, 0xFFFF, "the configuration of codec 0 has 65535 bytes" },
        { Codecs, "configs", 4, 2, 0xFFFF, "LZ4 clusters of up to 65535 blocks are above 256 blocks" },
        { Lzma, "configs", 6, 2, 1, "format 1 of codec 1 is not known" },
        { Lzma, "configs", 2, 4, 0xFFFF_FFFF, "an LZMA dictionary of 4294967295 bytes is not between 4096 and 8388608" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_field_that_lies_is_named(string image, string place, int at, int size, ulong value, string expected)
    {
        (byte[] bytes, byte[][] devices, ImagePlaces places) = Load(image);
        int position = places.Of(place) + at;
        Put(bytes, position, size, value);
        if (position != 1028)
            Subject.Sum(bytes);
        Exception? fault = s_hostile.Try(bytes, devices, TestImages.Full, place);
        bool isUnsupported = expected.StartsWith("unsupported: ");
        if (expected.Length == 0)
            return;
        Assert.NotNull(fault);
        Assert.Equal(isUnsupported ? typeof(UnsupportedImageException) : typeof(CorruptImageException), fault.GetType());
        Assert.Contains(isUnsupported ? expected["unsupported: ".Length..] : expected, fault.Message);
        Assert.StartsWith(HostileImage.Name, fault.Message);
    }

    /// <summary>Image, place, and the fields there, each as position and size.</summary>
    public static TheoryData<string, string, string> Structures => new()
    {
        { "layer-config-lz4hc.erofs", "superblock",
            "8,4 12,1 13,1 14,2 16,8 24,8 32,4 36,4 40,4 44,4 " +
                "80,4 84,2 86,2 88,2 90,1 91,1 92,4 96,8 104,1 105,1 108,4 112,8 128,8" },
        { "layer-config-lz4hc.erofs", "configs", "0,2 2,2 4,2" },
        { "layer-config-inline.erofs", "inode:/etc/hostname", "0,2 2,2 4,2 6,2 8,4 12,4 16,4 20,4 24,2 26,2" },
        { "layer-config-inline.erofs", "inode:/etc", "0,2 2,2 4,2 6,2 8,4 16,4 32,8 40,2 42,1 44,8 52,2 54,1 56,8 64,2 66,1" },
        { "layer-config-inline.erofs", "inode:/etc/mtab", "0,2 2,2 4,2 8,4 16,4" },
        { "layer-config-inline.erofs", "xattrs:/usr/share/doc", "0,4 4,1 12,1 13,1 14,2 16,4" },
        { Plain, "inode:/text/200001", "0,2 2,2 4,2 6,2 8,8 16,4 20,4 24,4 28,4 32,8 40,4 44,4" },
        { Chunks, "chunks:/mixed/half", "0,2 2,2 4,4 8,2 10,2 12,4" },
        { Compact, "map:/text/200001", "0,4 2,2 4,2 6,1 7,1 8,2 10,2 12,4 16,2 18,2 20,4 24,4 28,4" },
        { Full, "map:/text/200001", "0,4 4,2 6,1 7,1 16,2 18,2 20,4 24,2 26,2 28,2 30,2 32,2 36,2" },
        { Extents, "map:/text/200001", "0,4 4,2 6,2 8,4 16,4 20,4 24,4 28,4 32,4 36,4 40,4 44,4" },
        { Fragments, "map:/text/200001", "0,4 4,4" },
        { Fragments, "packedmap", "0,4 4,2 6,1 7,1 8,4 12,4 16,4" },
        { Tails, "map:/text/12289", "0,4 2,2 4,2 6,1 7,1 8,4 12,4 16,4" },
        { Metabox, "metaboxmap", "0,4 4,2 6,1 7,1 8,4 12,4 16,4" },
        { Devices, "devices", "0,8 64,4 68,4 72,2 74,2" },
    };

    [Theory]
    [MemberData(nameof(Structures))]
    public void Any_value_of_any_field_is_a_result_or_a_fault(string image, string place, string fields)
    {
        (byte[] good, byte[][] devices, ImagePlaces places) = Load(image);
        foreach (string field in fields.Split(' '))
        {
            int[] parts = [.. field.Split(',').Select(int.Parse)];
            ulong max = ulong.MaxValue >> (64 - parts[1] * 8);
            foreach (ulong value in (ulong[])[0, 1, max, max - 1, max / 2, max / 2 + 1, 0x1002 & max, 0x25 & max])
            {
                byte[] bytes = (byte[])good.Clone();
                Put(bytes, places.Of(place) + parts[0], parts[1], value);
                Subject.Sum(bytes);
                s_hostile.Try(bytes, devices, TestImages.Full, $"{image}: {place} {field} = 0x{value:x}");
            }
        }
    }

    private static (byte[] Bytes, byte[][] Devices, ImagePlaces Places) Load(string image)
    {
        CorpusRow row = Corpus.Row(image);
        byte[] bytes = File.ReadAllBytes(row.ImagePath);
        byte[][] devices = [.. row.DevicePaths.Select(File.ReadAllBytes)];
        return (bytes, devices, new ImagePlaces((byte[])bytes.Clone(), devices));
    }

    private static void Put(byte[] bytes, int position, int size, ulong value)
    {
        Span<byte> whole = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(whole, value);
        whole[..size].CopyTo(bytes.AsSpan(position));
    }
}
