using Lamina.Layers;
using Lamina.Tests.Generators;
using Lamina.Tree;
using static Lamina.Tests.Layers.TarTree;

namespace Lamina.Tests.Layers;

/// <summary>A good archive with one thing wrong, and with many: a clear fault or a tree, never another exception.</summary>
public class TarMutationTests
{
    private static byte[] B(string text) => TarBuilder.Bytes(text);

    private static TarFields Good => new() { Name = B("name"), Mode = 0x1ED, UserId = 1, GroupId = 2, Modified = 3 };

    [Fact]
    public void The_unchanged_archive_is_sound()
    {
        using Layer layer = Open(new TarBuilder().Add(Good, B("data")).End());
        Assert.Equal("data", Text(layer, "name"));
    }

    public static TheoryData<string, int, string> Fields => new()
    {
        { "its mode", 100, "0000x44\0" },
        { "its user number", 108, "00000-1\0" },
        { "its group number", 116, "9999999\0" },
        { "its size", 124, "0000000004z\0" },
        { "its time", 136, "a0000000000\0" },
        { "has a header whose checksum is wrong", 148, "0000001\0" },
        { "has a header whose checksum is wrong", 148, "\0\0\0\0\0\0\0\0" },
    };

    [Theory]
    [MemberData(nameof(Fields))]
    public void A_field_that_is_no_number_is_named(string what, int at, string text)
    {
        byte[] archive = new TarBuilder().Add(Good, B("data")).End().ToArray();
        B(text).CopyTo(archive, at);
        if (at != 148)
            TarBuilder.Sum(archive);
        CorruptImageException fault = Assert.Throws<CorruptImageException>(() => TarLayer.Open(ByteSource.FromMemory("t",
            archive)));
        Assert.Contains(what, fault.Message);
        Assert.Equal(at == 148 ? 0 : at, fault.Offset);
    }

    [Fact]
    public void One_field_out_of_bounds_is_named()
    {
        foreach ((TarFields fields, string what) in ((TarFields, string)[])
            [
                (Good with { Name = [] }, "it has no name"),
                (Good with { Name = B("a/../b") }, ".."),
                (Good with { Name = B("./") , Type = '2', Link = B("x") }, "the root is not a directory"),
                (Good with { Name = B("/") , Type = '3', Major = 1 }, "the root is not a directory"),
                (Good with { UserId = -1 }, "its user number -1"),
                (Good with { GroupId = 1L << 32 }, "its group number 4294967296"),
                (Good with { Size = -512 }, "its size -512 is negative"),
                (Good with { Size = 1L << 40 }, "its 1099511627776 bytes of data are cut off"),
                (Good with { Type = 'L', Size = -1 }, "its size -1 is negative"),
                (Good with { Type = '3', Major = -1 }, "its device number -1:0 is negative"),
                (Good with { Patch = block => block.AsSpan(124, 12).Fill(0xBF) }, "its size"),
            ])
        {
            CorruptImageException fault = Corrupt(new TarBuilder().Add(fields).End());
            Assert.Contains(what, fault.Message);
            Assert.StartsWith("test.tar: entry ", fault.Message);
        }
    }

    [Fact]
    public void Blank_fields_and_spaces_are_zeros_and_numbers()
    {
        using Layer layer = Open(new TarBuilder().Add(Good with
        {
            Patch = block =>
            {
                block.AsSpan(108, 8).Clear();
                block.AsSpan(116, 8).Fill((byte)' ');
                B("   644 \0").CopyTo(block, 100);
                B("         17 ").CopyTo(block, 136);
            },
        }).End());
        Node node = At(layer, "name");
        Assert.Equal((0u, 0u, 0x1A4, 15L), (node.UserId, node.GroupId, node.Permissions, node.Modified.Seconds));
    }

    [Fact]
    public void Random_changes_are_a_tree_or_one_of_the_two_faults()
    {
        byte[] sound = Rich();
        Random random = new(20240817);
        int faults = 0;
        for (int round = 0; round < 3000; round++)
        {
            byte[] changed = (byte[])sound.Clone();
            for (int i = random.Next(1, 6); i > 0; i--)
                Change(changed, random);
            if (random.Next(8) != 0)
                SumAll(changed, sound);
            int length = random.Next(10) == 0 ? random.Next(changed.Length) : changed.Length;
            using ByteSource source = ByteSource.FromMemory("changed.tar", changed.AsMemory(0, length));
            try
            {
                TarLayer.IsTar(source);
                Layer layer = TarLayer.Open(source, (WhiteoutRules)random.Next(3));
                foreach (Node node in Paths(layer).Values.Where(node => node is
                {
                    Type: NodeType.RegularFile,
                    Content.Size: < 1 << 20
                }))
                    Bytes(node);
            }
            catch (Exception fault) when (fault is CorruptImageException or UnsupportedImageException)
            {
                faults++;
            }
        }
        Assert.InRange(faults, 500, 2900);
    }

    private static void Change(byte[] archive, Random random)
    {
        int at = random.Next(archive.Length);
        switch (random.Next(4))
        {
            case 0:
                archive[at] = (byte)random.Next(256);
                break;
            case 1:
                archive[at] ^= (byte)(1 << random.Next(8));
                break;
            case 2:                                                     // a type that is known, in whatever header
                archive[at / 512 * 512 + 156] = (byte)"01234567SLKxgDVM\0"[random.Next(17)];
                break;
            default:
                archive.AsSpan(random.Next(archive.Length - 24), 24).CopyTo(archive.AsSpan(Math.Min(at, archive.Length - 24)));
                break;
        }
    }

    /// <summary>Sums anew what was a header, so that what is behind the sum is reached.</summary>
    private static void SumAll(byte[] changed, byte[] sound)
    {
        for (int at = 0; at < changed.Length; at += 512)
        {
            if (sound.AsSpan(at + 257, 5).SequenceEqual("ustar"u8))
                TarBuilder.Sum(changed.AsSpan(at, 512));
        }
    }

    private static byte[] Rich()
    {
        (long, byte[])[] pieces = [.. Enumerable.Range(0, 6).Select(i => (i * 1024L, new byte[512]))];
        return new TarBuilder().Directory("./").GlobalPax(("comment", "c"), ("gid", "5")).File("a/b", "data")
            .Symlink("s", "a/b").Link("h", "a/b")
            .Pax(("path", "p/q"), ("mtime", "-1.5"), ("SCHILY.xattr.user.x", "v"), ("LIBARCHIVE.xattr.user.y", "AAAA"),
                ("SCHILY.acl.access", "user::rw-,user:5:r--,group::r--,mask::r--,other::---")).File("x", "y")
            .LongName('L', "long/name").LongName('K', "a/b").Link("l", "l").Device('3', "c", 1, 3).Device('4', "d", 8, 0)
            .OldSparse("s0", 8192, pieces).PaxSparse("0.0", "s1", 8192, pieces).PaxSparse("0.1", "s2", 8192, pieces)
            .PaxSparse("1.0", "s3", 8192, pieces).File("w/.wh.a").File("w/.wh..wh..opq").Device('3', "w/z", 0, 0).End().ToArray();
    }
}
