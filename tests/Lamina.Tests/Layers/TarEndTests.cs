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

    [Fact]
    public void Two_zero_blocks_are_an_empty_archive_and_a_disk_image_is_not()
    {
        Assert.True(IsTar(new byte[1024]));
        Assert.True(IsTar(new byte[10240]));
        Assert.False(IsTar(new byte[512]));
        Assert.False(IsTar([]));
        Assert.False(IsTar([.. new byte[1024], 0xE2, 0xE1, 0xF5, 0xE0, .. new byte[4096]]));
        Assert.False(IsTar(new byte[32 << 20]));
        using Layer layer = TarLayer.Open(ByteSource.FromMemory("empty.tar", new byte[10240]));
        Assert.Empty(layer.Root.Listing.Read());
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
            if (length is 0 or 2560 or 4608)                            // between entries: nothing shows that more was there
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
