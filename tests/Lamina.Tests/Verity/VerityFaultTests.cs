using System.Buffers.Binary;
using Lamina.Images;
using Lamina.Tests.Oracles;
using Lamina.Trust;

namespace Lamina.Tests.Verity;

/// <summary>What does not match is found and named.</summary>
public class VerityFaultTests
{
    [Fact]
    public void A_tree_is_not_replaced_by_another_unless_that_was_asked_for()
    {
        string image = Scratch.NewPath("image.erofs");
        File.Copy(Corpus.Layer("base", "plain"), image);
        VerityInfo first = VerityImage.Format(image);
        byte[] before = File.ReadAllBytes(image);
        Assert.Equal(first.RootHashText, VerityImage.Format(image).RootHashText);
        VerityFormatOptions salted = new() { Tree = new VerityOptions { Salt = new byte[] { 1, 2, 3 } } };
        IOException refusal = Assert.Throws<IOException>(() => VerityImage.Format(image, salted));
        Assert.Contains("has a dm-verity tree already", refusal.Message);
        Assert.Equal(before, File.ReadAllBytes(image));
        VerityInfo second = VerityImage.Format(image, salted with { Overwrite = true });
        Assert.NotEqual(first.RootHashText, second.RootHashText);
        Assert.True(VerityImage.Verify(image, second.RootHash.Span).IsSound);
        VerityImage.Format(image, new VerityFormatOptions { Overwrite = true });
        Assert.Equal(before, File.ReadAllBytes(image));
        Assert.Equal([image], Directory.GetFileSystemEntries(Path.GetDirectoryName(image)!));
    }

    private const int Block = 512, Blocks = 130;

    private static readonly Lazy<(string Data, string Tree, VerityInfo Info)> s_sound = new(() =>
    {
        string data = VerityTreeTests.Data(Blocks * Block), tree = Oracles.Scratch.NewPath("tree");
        return (data, tree, VerityImage.Format(data, Options(tree)));
    });

    private static VerityFormatOptions Options(string tree) => new()
    {
        HashFile = tree,
        Tree = new VerityOptions { Algorithm = VerityAlgorithm.Sha512, BlockSize = Block },
    };

    [Theory]
    [InlineData(0, "block 0 does not match its digest (byte 0x0)")]
    [InlineData(100 * Block + 77, "block 100 does not match its digest (byte 0xC800)")]
    [InlineData(Blocks * Block - 1, "block 129 does not match its digest (byte 0x10200)")]
    public void A_flipped_byte_of_data_is_found(int at, string fault)
    {
        VerityReport report = Verify(Flip(s_sound.Value.Data, at), s_sound.Value.Tree);
        Assert.Equal(1, report.FaultCount);
        Assert.EndsWith(fault, report.Faults[0]);
    }

    /// <summary>Behind the superblock: one block at the top, three below it, 17 below those; each has eight digests.</summary>
    [Theory]
    [InlineData(1, "the root hash is ")]
    [InlineData(3, "block 1 of the tree's level 1 does not match its digest, so nothing can be said about data blocks from " +
        "64 on")]
    [InlineData(5, "block 0 of the tree's level 0 does not match its digest, so nothing can be said about data blocks from 0 on")]
    [InlineData(21, "block 16 of the tree's level 0 does not match its digest, so nothing can be said about data blocks " +
        "from 128 on")]
    public void A_flipped_byte_of_the_tree_is_found_and_told_once(int block, string fault)
    {
        VerityReport report = Verify(s_sound.Value.Data, Flip(s_sound.Value.Tree, block * Block + 5));
        Assert.Equal(1, report.FaultCount);
        Assert.Contains(fault, report.Faults[0]);
    }

    [Fact]
    public void Zeros_that_no_digest_needs_count_as_well()
    {
        // Behind the last digest of a block of digests there is room; the kernel hashes it, so it must be what it was.
        VerityReport report = Verify(s_sound.Value.Data, Flip(s_sound.Value.Tree, 21 * Block + Block - 1));
        Assert.Equal(1, report.FaultCount);
    }

    [Fact]
    public void A_root_hash_of_another_length_is_named()
    {
        VerityReport report = VerityImage.Verify(s_sound.Value.Data, new byte[32], s_sound.Value.Tree);
        Assert.EndsWith("the tree has sha512 digests of 64 bytes, the root hash given has 32", report.Faults[0]);
    }

    [Fact]
    public void A_tree_for_another_image_is_named()
    {
        string other = VerityTreeTests.Data(Blocks * Block, seed: 2), tree = Oracles.Scratch.NewPath("tree");
        VerityImage.Format(other, Options(tree));
        Assert.Contains("another image", Verify(s_sound.Value.Data, tree).Faults[0]);
        // The data of another image under the right tree: all blocks are wrong, some are listed.
        VerityReport report = Verify(other, s_sound.Value.Tree);
        Assert.Equal(Blocks, report.FaultCount);
        Assert.Equal(100, report.Faults.Count);
        Assert.EndsWith("block 0 does not match its digest (byte 0x0)", report.Faults[0]);
        Assert.EndsWith("block 99 does not match its digest (byte 0xC600)", report.Faults[^1]);
    }

    [Fact]
    public void Data_and_trees_that_are_cut_off_are_named()
    {
        string shorter = Cut(s_sound.Value.Data, Block), tree = Cut(s_sound.Value.Tree, 1);
        Assert.Contains("the tree is for 130 blocks of 512: it is cut off", Verify(shorter, s_sound.Value.Tree).Faults[0]);
        Assert.Contains("the tree is cut off", Verify(s_sound.Value.Data, tree).Faults[0]);
    }

    [Theory]
    [InlineData("the data's")]
    [InlineData("-tree")]
    public void Bytes_that_are_not_covered_are_cut_off_as_the_message_advises(string name)
    {
        string folder = Oracles.Scratch.NewFolder("longer");
        bool isTree = name == "-tree";
        (string data, string tree) = (s_sound.Value.Data, s_sound.Value.Tree);
        string longer = Path.Combine(folder, name);
        File.WriteAllBytes(longer, [.. File.ReadAllBytes(isTree ? tree : data), .. new byte[Block]]);
        (data, tree) = isTree ? (data, longer) : (longer, tree);
        string fault = Assert.Single(Verify(data, tree).Faults);
        string advice = fault[fault.IndexOf("truncate", StringComparison.Ordinal)..];
        Tools.RunIn(folder, "bash", "-c", advice).MustSucceed();
        Assert.True(Verify(data, tree).IsSound);
    }

    [Fact]
    public void Another_salt_gives_another_root_hash()
    {
        string tree = Change(s_sound.Value.Tree, bytes => bytes[80] = 4);
        Assert.Contains("the root hash is", Verify(s_sound.Value.Data, tree).Faults[0]);
    }

    public static TheoryData<string, int, uint, string> Fields => new()
    {
        { "signature", 0, 0, "there is no dm-verity superblock here" },
        { "version", 8, 2, "version 2; 1 is known" },
        { "hash type", 12, 0, "hash type 0 (Chrome OS)" },
        { "algorithm", 32, 0x31616873, "sha1 digests" },
        { "data block size", 64, 4095, "blocks of 4095 bytes" },
        { "hash block size", 68, 1 << 30, "blocks of 1073741824 bytes" },
        { "data blocks", 72, 0, "a dm-verity tree over 0 blocks" },
        { "data blocks beyond all", 76, 0xFFFF_FFFF, "a dm-verity tree over" },
        { "salt size", 80, 257, "a dm-verity salt of 257 bytes" },
    };

    [Theory]
    [MemberData(nameof(Fields))]
    public void Each_field_that_cannot_be_is_named(string field, int at, uint value, string expected)
    {
        string tree = Change(s_sound.Value.Tree, bytes =>
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), value);
            if (field == "algorithm")
                bytes.AsSpan(at + 4, 4).Clear();
        });
        Exception refusal = Assert.ThrowsAny<Exception>(() => Verify(s_sound.Value.Data, tree));
        Assert.True(refusal is CorruptImageException or UnsupportedImageException, refusal.ToString());
        Assert.Contains(expected, refusal.Message);
    }

    [Fact]
    public void Options_that_cannot_be_are_refused()
    {
        Refused("blocks of 1000 bytes", new VerityOptions { BlockSize = 1000 });
        Refused("a salt of 257 bytes", new VerityOptions { Salt = new byte[257] });
        string odd = VerityTreeTests.Data(5000);
        ArgumentException refusal = Assert.Throws<ArgumentException>(() =>
            VerityImage.Format(odd, new VerityFormatOptions { HashFile = Oracles.Scratch.NewPath("tree") }));
        Assert.Contains("5000 bytes are no whole number of dm-verity blocks", refusal.Message);

        static void Refused(string expected, VerityOptions options)
        {
            string tree = Oracles.Scratch.NewPath("tree");
            ArgumentException refusal = Assert.Throws<ArgumentException>(() =>
                VerityImage.Format(s_sound.Value.Data, new VerityFormatOptions { HashFile = tree, Tree = options }));
            Assert.Contains(expected, refusal.Message);
            Assert.False(File.Exists(tree));
        }
    }

    private static VerityReport Verify(string data, string tree) =>
        VerityImage.Verify(data, s_sound.Value.Info.RootHash.Span, tree);

    private static string Flip(string path, int at) => Change(path, bytes => bytes[at] ^= 1);

    private static string Cut(string path, int count) => Write(path, File.ReadAllBytes(path)[..^count]);

    private static string Change(string path, Action<byte[]> change)
    {
        byte[] bytes = File.ReadAllBytes(path);
        change(bytes);
        return Write(path, bytes);
    }

    private static string Write(string path, byte[] bytes)
    {
        string changed = Oracles.Scratch.NewPath(Path.GetFileName(path));
        File.WriteAllBytes(changed, bytes);
        return changed;
    }
}
