using Lamina.Layers;
using Lamina.Tests.Generators;
using Lamina.Tree;
using static Lamina.Tests.Layers.TarTree;

namespace Lamina.Tests.Layers;

/// <summary>How archives begin and end, and that a cut is noticed.</summary>
public class TarEndTests
{
    private static bool IsTar(byte[] bytes) => TarLayer.IsTar(ByteSource.FromMemory("any.name", bytes));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void An_archive_is_known_by_the_sum_of_its_first_header(int form)
    {
        byte[] bytes = new TarBuilder().File("a", "data", (TarForm)form).End().ToArray();
        Assert.True(IsTar(bytes));
        bytes[10]++;
        Assert.False(IsTar(bytes));
    }

    private static bool IsEmpty(byte[] bytes) => TarLayer.IsEmpty(ByteSource.FromMemory("any.name", bytes));

    [Theory]
    [InlineData(0)]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(4096)]
    [InlineData(10240)]
    public void Nothing_or_zero_blocks_alone_are_an_empty_layer_with_a_warning(int length)
    {
        using Layer layer = LayerOpener.Open(ByteSource.FromMemory("empty.tar", new byte[length]), []);
        Assert.Empty(layer.Root.Listing.Read());
        Assert.Contains("taken as an empty layer", layer.Warning);
        using Layer whole = LayerOpener.Open(new TarBuilder().File("a").End().ToSource(), []);
        Assert.Null(whole.Warning);
    }

    [Fact]
    public void A_disk_image_that_begins_with_zeros_is_no_empty_archive()
    {
        Assert.False(IsEmpty(new byte[700]));
        Assert.False(IsEmpty([.. new byte[1024], 0xE2, 0xE1, 0xF5, 0xE0, .. new byte[508]]));
        Assert.False(IsEmpty(new byte[32 << 20]));
        Assert.False(IsTar(new byte[1024]));
    }

    [Theory]
    [InlineData("oci-layout", "{}")]
    [InlineData("./manifest.json", "[{\"Config\":\"c\",\"Layers\":[\"l.tar\"]}]")]
    public void An_archive_of_an_image_is_known_and_not_merged_as_files(string name, string text)
    {
        TarBuilder archive = new TarBuilder().Directory("./").Directory("blobs/").File(name, text).File("index.json", "{}").End();
        using Layer found = Open(archive);
        Assert.True(found.IsImageArchive);
        Assert.Contains("an archive of a container image", Assert.Throws<UnsupportedImageException>(
            () => LayerOpener.Open(archive.ToSource(), [])).Message);
        using Layer asked = Open(archive, WhiteoutRules.Overlay);
        using Layer deeper = Open(new TarBuilder().File("app/" + name, text).Directory("manifest.json").End());
        Assert.False(asked.IsImageArchive || deeper.IsImageArchive);
        Assert.NotEmpty(Names(asked) + Names(deeper));
    }

    [Theory]
    [InlineData("1F8B0800")]
    [InlineData("28B52FFD")]
    [InlineData("FD377A585A00")]
    public void A_compressed_archive_is_none(string magic) =>
        Assert.False(IsTar([.. Convert.FromHexString(magic), .. new byte[2048]]));

    [Fact]
    public void Nothing_is_read_behind_the_two_zero_blocks()
    {
        using Layer layer = Open(new TarBuilder().File("a").End().File("b").Raw([1, 2, 3]));
        Assert.Equal("a", Names(layer));
    }

    [Fact]
    public void An_archive_may_lack_its_end_or_have_half_of_it()
    {
        using Layer none = Open(new TarBuilder().File("a", "x"));
        using Layer half = Open(new TarBuilder().File("a", "x").Raw(new byte[512]));
        Assert.Equal("a a", Names(none) + " " + Names(half));
    }

    [Fact]
    public void A_lone_zero_block_before_more_entries_is_refused()
    {
        CorruptImageException fault = Corrupt(new TarBuilder().File("a").Raw(new byte[512]).File("b").End());
        Assert.Contains("after entry a", fault.Message);
        Assert.Equal(512, fault.Offset);
    }

    [Fact]
    public void Every_cut_is_an_end_or_named()
    {
        byte[] whole = new TarBuilder().Pax(("mtime", "1.5")).File("first", new string('x', 700)).LongName('L', "second")
            .File("s", "y")
            .OldSparse("sparse", 9000, [.. Enumerable.Range(0, 6).Select(i => (i * 1024L, new byte[512]))]).ToArray();
        for (int length = 0; length < whole.Length; length += 64)
        {
            using ByteSource source = ByteSource.FromMemory("cut.tar", whole[..length]);
            // Between entries nothing shows that more was there, nor within the padding of what then is the last one.
            if (length is 0 or (>= 2236 and <= 2560) or (>= 4097 and <= 4608))
            {
                TarLayer.Open(source);
                continue;
            }
            CorruptImageException fault = Assert.Throws<CorruptImageException>(() => TarLayer.Open(source));
            Assert.StartsWith("cut.tar: ", fault.Message);
            Assert.NotNull(fault.Offset);
        }
    }

    [Fact]
    public void Data_past_the_end_names_the_entry_and_the_byte()
    {
        CorruptImageException fault = Corrupt(new TarBuilder().File("dir/file", "x").Raw([])
            .Add(new TarFields { Name = TarBuilder.Bytes("dir/cut"), Size = 1L << 50 }));
        Assert.Contains("entry dir/cut: its 1125899906842624 bytes of data are cut off", fault.Message);
        Assert.Equal(1536, fault.Offset);
    }

    [Fact]
    public void An_extended_header_without_its_entry_is_refused()
    {
        Assert.Contains("entry itself", Corrupt(new TarBuilder().Pax(("path", "x")).End()).Message);
        Assert.Contains("entry itself", Corrupt(new TarBuilder().LongName('K', "x")).Message);
        Assert.Equal("", Names(Open(new TarBuilder().GlobalPax(("comment", "of git")).End())));
    }
}
