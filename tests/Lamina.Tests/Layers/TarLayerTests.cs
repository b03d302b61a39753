using Lamina.Layers;
using Lamina.Tests.Generators;
using Lamina.Tree;
using static Lamina.Tests.Layers.TarTree;

namespace Lamina.Tests.Layers;

public class TarLayerTests
{
    private static byte[] B(string text) => TarBuilder.Bytes(text);

    [Fact]
    public void Data_stays_where_it_lies_in_the_archive()
    {
        using Layer layer = Open(new TarBuilder().File("a", "hello").End());
        PlacedContent content = Assert.IsType<PlacedContent>(At(layer, "a").Content);
        PlacedExtent extent = Assert.Single(content.Extents.ToArray());
        Assert.Equal((0, 512, 5), (extent.Logical, extent.Offset, extent.Length));
        Assert.Same(layer.Originals[0], extent.Original);
        Assert.Equal((512, OriginalKind.Tar), (content.Alignment, extent.Original.Kind));
        Assert.Equal((512, WhiteoutRules.Overlay), (layer.BlockSize, layer.Rules));
        Assert.Equal("hello", Text(layer, "a"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Every_dialect_of_headers_is_read(int form)
    {
        using Layer layer = Open(new TarBuilder()
            .Add(new TarFields
            {
                Name = B("x"),
                Form = (TarForm)form,
                Mode = 0x8DED,                                          // 06755, with the type as some tools keep it
                UserId = 70000,
                GroupId = 5,
                Modified = 1600000000,
            }, B("data")).End());
        Node node = At(layer, "x");
        Assert.Equal((0xDED, 70000u, 5u), (node.Permissions, node.UserId, node.GroupId));
        Assert.Equal(new Timestamp(1600000000, 0), node.Modified);
        Assert.Equal("data", Text(node));
    }

    [Fact]
    public void Every_type_becomes_what_it_is()
    {
        using Layer layer = Open(new TarBuilder().File("file").Directory("dir/").Symlink("sym", "../x//y/")
            .Device('3', "c", 4095, 1048575)
            .Device('4', "b", 8, 1).Add(new TarFields { Type = '6', Name = B("fifo") })
            .Add(new TarFields { Type = '7', Name = B("contiguous") }, B("7"))
            .Add(new TarFields { Type = '\0', Name = B("old") }, B("0"))
            .Add(new TarFields { Type = 'V', Name = B("a label") })
            .Add(new TarFields { Type = 'D', Name = B("dump") }, B("Yname\0"))
            .Add(new TarFields { Type = '9', Name = B("unknown") }, B("9")).End());
        Assert.Equal("b c contiguous dir dump fifo file old sym unknown", Names(layer));
        Assert.Equal(NodeType.CharacterDevice, At(layer, "c").Type);
        Assert.Equal((4095u, 1048575u), (At(layer, "c").Device.Major, At(layer, "c").Device.Minor));
        Assert.Equal(NodeType.BlockDevice, At(layer, "b").Type);
        Assert.Equal(NodeType.Fifo, At(layer, "fifo").Type);
        Assert.Equal(B("../x//y/"), At(layer, "sym").Target);
        Assert.True(At(layer, "dir").IsDirectory && At(layer, "dump").IsDirectory);
        Assert.Equal("709", Text(layer, "contiguous") + Text(layer, "old") + Text(layer, "unknown"));
    }

    [Theory]
    [InlineData('M')]
    [InlineData('N')]
    [InlineData('A')]
    [InlineData('Z')]
    public void Types_that_mean_something_we_lack_are_refused_by_name(char type) =>
        Assert.Contains($"type {type}", Unsupported(new TarBuilder().Add(new TarFields { Type = type, Name = B("x") }).End())
            .Message);

    [Fact]
    public void A_name_of_the_oldest_archives_with_a_slash_behind_is_a_directory()
    {
        using Layer layer = Open(new TarBuilder().File("d/", form: TarForm.V7).File("d/f", "1", TarForm.V7).End());
        Assert.True(At(layer, "d").IsDirectory);
        Assert.Equal(layer.Root, Assert.Single(layer.Implied));
    }

    [Fact]
    public void Names_come_out_without_slashes_and_dots_that_say_nothing()
    {
        using Layer layer = Open(new TarBuilder().Directory("./").File("/a").File("./b").File("c//d/./e").File("././/f").End());
        Assert.Equal("a b c c/d c/d/e f", Names(layer));
    }

    [Fact]
    public void A_prefix_precedes_the_name_in_posix_headers_only()
    {
        TarFields fields = new() { Name = B("name"), Prefix = B("dir/sub") };
        Action<byte[]> star = block => B("tar\0").CopyTo(block, 508);
        byte[] overlong = [.. B(new string('p', 131)), .. B("00000000000 ")];
        using Layer layer = Open(new TarBuilder().Add(fields).Add(fields with { Form = TarForm.Gnu, Name = B("gnu") })
            .Add(fields with { Prefix = overlong, Patch = star, Name = B("star") }).End());
        Assert.Equal($"dir dir/sub dir/sub/name gnu {new string('p', 131)} {new string('p', 131)}/star", Names(layer));
    }

    [Fact]
    public void Bytes_that_are_not_text_are_kept_in_names()
    {
        using Layer layer = Open(new TarBuilder().Add(new TarFields { Name = [0xFF, 0x01, (byte)'\n'] }).End());
        Assert.Equal([0xFF, 0x01, (byte)'\n'], layer.Root.Listing.Read()[0].Name.ToArray());
    }

    [Fact]
    public void Names_that_fill_their_fields_need_no_nul()
    {
        string name = new('n', 100), link = new('l', 100), prefix = new('p', 155);
        using Layer layer = Open(new TarBuilder()
            .Add(new TarFields { Type = '2', Name = B(name), Link = B(link), Prefix = B(prefix) }).End());
        Assert.Equal(B(link), At(layer, prefix + "/" + name).Target);
    }

    [Fact]
    public void A_later_entry_of_a_path_replaces_an_earlier_one()
    {
        using Layer layer = Open(new TarBuilder().File("a", "1").File("a", "22").Symlink("s", "a").File("s", "file").File("f")
            .Symlink("f", "x")
            .End());
        Assert.Equal("22", Text(layer, "a"));
        Assert.Equal("file", Text(layer, "s"));
        Assert.Equal(NodeType.SymbolicLink, At(layer, "f").Type);
    }

    [Fact]
    public void A_directory_over_a_directory_replaces_metadata_and_keeps_the_names()
    {
        using Layer layer = Open(new TarBuilder().Directory("d", 0x1C0, 1).File("d/f").Directory("d/", 0x1FF, 2).File("d/g")
            .End());
        Assert.Equal("d d/f d/g", Names(layer));
        Assert.Equal((0x1FF, 2L), (At(layer, "d").Permissions, At(layer, "d").Modified.Seconds));
    }

    [Fact]
    public void A_directory_replaced_by_a_file_loses_its_names_and_the_other_way_round_its_data()
    {
        using Layer layer = Open(new TarBuilder().File("d/e/f").File("d", "file").File("g", "data").Directory("g").File("d2/a")
            .File("d2")
            .File("d2/b").End());
        Assert.Equal("d d2 d2/b g", Names(layer));
        Assert.Equal("file", Text(layer, "d"));
        Assert.True(At(layer, "g").IsDirectory);
    }

    [Fact]
    public void Pitfall_9_a_name_below_a_symbolic_link_goes_through_it_and_an_entry_of_its_own_replaces_it()
    {
        using Layer layer = Open(new TarBuilder().Directory("usr/lib").Symlink("lib", "usr/lib").File("lib/x", "1")
            .Symlink("up", "../../usr/./lib").File("up/y").Link("up/z", "lib/x").Symlink("deep", "/up/../new").File("deep/d/f")
            .File("lib/.wh.gone").End());
        Assert.Equal("deep lib up usr usr/lib usr/lib/gone usr/lib/x usr/lib/y usr/lib/z usr/new usr/new/d usr/new/d/f",
            Names(layer));
        Assert.Same(At(layer, "usr/lib/x"), At(layer, "usr/lib/z"));
        Assert.True(At(layer, "usr/lib/gone").IsWhiteout);
        using Layer replaced = Open(new TarBuilder().Symlink("a", "b").File("a/1").Directory("a").File("a/2").File("b")
            .File("a/3").End());
        Assert.Equal("a a/2 a/3 b", Names(replaced));
    }

    [Fact]
    public void Symbolic_links_that_lead_in_a_circle_are_refused_by_name()
    {
        Assert.Contains("entry a/x: its path leads through more than 40 symbolic links",
            Unsupported(new TarBuilder().Symlink("a", "b").Symlink("b", "a").File("a/x").End()).Message);
        Assert.Contains("symbolic links", Unsupported(new TarBuilder().Symlink("a", "a/a").File("a/.wh.x").End()).Message);
    }

    [Fact]
    public void Pitfall_10_hard_links_share_the_node_for_every_type()
    {
        using Layer layer = Open(new TarBuilder().File("f", "data").Link("d/f2", "./f").Link("f3", "/d/f2").Symlink("s", "f")
            .Link("s2", "s")
            .Device('3', "c", 1, 3).Link("c2", "c").Add(new TarFields { Type = '6', Name = B("p") }).Link("p2", "p").End());
        Assert.Same(At(layer, "f"), At(layer, "d/f2"));
        Assert.Same(At(layer, "f"), At(layer, "f3"));
        foreach (string name in (string[])["s", "c", "p"])
            Assert.Same(At(layer, name), At(layer, name + "2"));
    }

    [Fact]
    public void Pitfall_10_a_hard_link_keeps_the_file_that_its_target_was_at_that_time()
    {
        using Layer layer = Open(new TarBuilder().File("a/f", "old").Link("b", "a/f").File("a/f", "new").Link("a", "b").End());
        Assert.Equal("a b", Names(layer));
        Assert.Equal("old", Text(layer, "a"));
        Assert.Same(At(layer, "a"), At(layer, "b"));
    }

    [Theory]
    [InlineData("gone", "is not in the archive before it")]
    [InlineData("file/below", "is not in the archive before it")]
    [InlineData("./link", "is not in the archive before it")]
    [InlineData("dir", "is a directory")]
    [InlineData("/", "is a directory")]
    [InlineData("../file", "..")]
    public void Pitfall_10_a_hard_link_to_what_cannot_be_linked_is_refused_by_name(string target, string why)
    {
        CorruptImageException fault = Corrupt(new TarBuilder().File("file").Directory("dir").Link("link", target).End());
        Assert.Contains("entry link", fault.Message);
        Assert.Contains(why, fault.Message);
        Assert.Equal(1024, fault.Offset);
    }

    [Fact]
    public void A_file_named_twice_to_tar_is_linked_to_itself()
    {
        using Layer layer = Open(new TarBuilder().File("d/f", "data").Link("./d/f", "d/f").Link("d/g", "d/f").Link("d/f", "d/g")
            .Symlink("s", "t").Link("s", "s").End());
        Assert.Equal("d d/f d/g s", Names(layer));
        Assert.Equal("data", Text(layer, "d/f"));
        Assert.Same(At(layer, "d/f"), At(layer, "d/g"));
    }

    [Fact]
    public void A_hard_link_that_states_the_size_of_its_file_has_no_data()
    {
        using Layer layer = Open(new TarBuilder().File("f", "data")
            .Add(new TarFields { Type = '1', Name = B("l"), Link = B("f"), Size = 4 }).File("g").End());
        Assert.Equal("f g l", Names(layer));
    }

    [Fact]
    public void Pitfall_24_implicit_parents_are_made_and_recorded()
    {
        using Layer layer = Open(new TarBuilder().Directory("./", 0x1C0).File("a/b/c").Directory("x/y", 0x1C0)
            .Directory("x", 0x1F8).End());
        Assert.True(layer.HasRootMetadata);
        Assert.Equal(0x1C0, layer.Root.Permissions);
        Assert.Equal([At(layer, "a"), At(layer, "a/b")], layer.Implied.OrderBy(node => node != At(layer, "a")));
        Node implied = At(layer, "a/b");
        Assert.Equal((0x1ED, 0u, 0u, 0L), (implied.Permissions, implied.UserId, implied.GroupId, implied.Modified.Seconds));
    }

    [Fact]
    public void Pitfall_24_an_archive_without_its_root_says_so()
    {
        using Layer layer = Open(new TarBuilder().File("a").End());
        Assert.False(layer.HasRootMetadata);
        Assert.Equal(0x1ED, layer.Root.Permissions);
        Assert.Contains(layer.Root, layer.Implied);
    }

    [Fact]
    public void Pitfall_24_long_names_and_links_of_gnu_are_read()
    {
        string name = string.Join('/', Enumerable.Repeat("component", 30)), target = new('t', 4095);
        using Layer layer = Open(new TarBuilder().LongName('K', target).LongName('L', name)
            .Add(new TarFields { Type = '2', Name = B(name[..100]), Form = TarForm.Gnu })
            .LongName('K', name).Add(new TarFields { Type = '1', Name = B("l"), Form = TarForm.Gnu }).File("next").End());
        Assert.Equal(B(target), At(layer, name).Target);
        Assert.Same(At(layer, name), At(layer, "l"));
        Assert.Equal(NodeType.RegularFile, At(layer, "next").Type);
    }

    [Fact]
    public void Pitfall_24_numbers_in_base_256_may_be_large_and_times_negative()
    {
        using Layer layer = Open(new TarBuilder().Add(new TarFields
        {
            Name = B("a"),
            Form = TarForm.Gnu,
            UserId = uint.MaxValue,
            Modified = -86400,
        }).Add(new TarFields { Name = B("b"), Modified = 1L << 40 }).End());
        Assert.Equal((uint.MaxValue, -86400L), (At(layer, "a").UserId, At(layer, "a").Modified.Seconds));
        Assert.Equal(1L << 40, At(layer, "b").Modified.Seconds);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Pitfall_24_files_above_8_GiB_are_placed(bool isPax)
    {
        const long Size = 9L << 30;
        TarBuilder head = new(), tail = new TarBuilder().File("b", "end").End();
        if (isPax)
            head.Pax(("size", $"{Size}"));
        head.Add(new TarFields { Name = B("a"), Size = isPax ? 0 : Size });
        using Layer layer = TarLayer.Open(new HollowSource(head.ToArray(), Size, tail.ToArray()));
        PlacedExtent extent = Assert.Single(((PlacedContent)At(layer, "a").Content).Extents.ToArray());
        Assert.Equal((head.Length, Size), (extent.Offset, extent.Length));
        Assert.Equal("end", Text(layer, "b"));
    }

    [Fact]
    public void Signed_sums_of_old_tools_are_right_too()
    {
        using Layer layer = Open(new TarBuilder().Add(new TarFields { Name = [0xE9, 0xE8], HasSignedSum = true }).End());
        Assert.Equal(2, layer.Root.Listing.Read()[0].Name.Length);
    }

    [Fact]
    public void Entries_are_sorted_by_bytes()
    {
        using Layer layer = Open(new TarBuilder().File("b").File("a-").File("a/x").File("Z").File("\u00E9").File("~").End());
        Assert.Equal(["Z", "a", "a-", "b", "~", "\u00E9"],
            layer.Root.Listing.Read().Select(entry => System.Text.Encoding.UTF8.GetString(entry.Name.Span)));
    }

    /// <summary>A sparse stand-in for a large archive: bytes, zeros, bytes.</summary>
    private sealed class HollowSource(byte[] head, long zeros, byte[] tail) : ByteSource
    {
        public override string Name => "hollow.tar";

        public override long Length => head.Length + zeros + tail.Length;

        public override int Read(long offset, Span<byte> destination)
        {
            int count = (int)Math.Max(0, Math.Min(destination.Length, Length - offset));
            for (int i = 0; i < count; i++)
            {
                long at = offset + i - head.Length;
                destination[i] = at < 0 ? head[at + head.Length] : at < zeros ? (byte)0 : tail[at - zeros];
            }
            return count;
        }
    }
}
