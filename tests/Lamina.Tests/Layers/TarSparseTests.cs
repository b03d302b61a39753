using Lamina.Tests.Generators;
using Lamina.Tree;
using static Lamina.Tests.Layers.TarTree;

namespace Lamina.Tests.Layers;

public class TarSparseTests
{
    public static TheoryData<string> Forms => ["gnu", "0.0", "0.1", "1.0"];

    private static TarBuilder Sparse(TarBuilder archive, string form, string name, long size, params (long, byte[])[] pieces) =>
        form == "gnu" ? archive.OldSparse(name, size, pieces) : archive.PaxSparse(form, name, size, pieces);

    private static byte[] Fill(int length, byte value) => [.. Enumerable.Repeat(value, length)];

    private static byte[] Expect(long size, (long Offset, byte[] Data)[] pieces)
    {
        byte[] whole = new byte[size];
        foreach ((long offset, byte[] data) in pieces)
            data.CopyTo(whole, offset);
        return whole;
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Pitfall_24_every_form_of_sparse_files_becomes_extents_and_holes(string form)
    {
        (long, byte[])[] pieces = [(1024, Fill(512, 1)), (4096, Fill(1024, 2)), (9000 - 9000 % 512, Fill(100, 3))];
        using Layer layer = Open(Sparse(new TarBuilder(), form, "dir/s", 20_000, pieces).File("next", "n").End());
        Node node = At(layer, "dir/s");
        Assert.Equal(Expect(20_000, pieces), Bytes(node));
        Assert.Equal("n", Text(layer, "next"));
        Assert.Equal("dir dir/s next", Names(layer));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Many_pieces_are_read_from_as_many_blocks_as_they_take(string form)
    {
        (long, byte[])[] pieces = [.. Enumerable.Range(0, 200).Select(i => (i * 4096L, Fill(512, (byte)(i + 1))))];
        using Layer layer = Open(Sparse(new TarBuilder(), form, "s", 200 * 4096, pieces).File("next", "n").End());
        PlacedContent content = (PlacedContent)At(layer, "s").Content;
        Assert.Equal((200, 512), (content.Extents.Length, content.Alignment));
        Assert.Equal(Expect(200 * 4096, pieces), Bytes(At(layer, "s")));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_file_that_is_one_hole_has_no_extents(string form)
    {
        using Layer layer = Open(Sparse(new TarBuilder(), form, "s", 1L << 40, (1L << 40, [])).End());
        PlacedContent content = (PlacedContent)At(layer, "s").Content;
        Assert.Equal((1L << 40, 0), (content.Size, content.Extents.Length));
    }

    [Theory]
    [InlineData("gnu", 512, 512, 512)]
    [InlineData("0.0", 512, 512, 512)]
    [InlineData("1.0", 4096, 512, 512)]
    [InlineData("0.1", 768, 512, 256)]                                  // a place in the file
    [InlineData("gnu", 512, 100, 4)]                                    // an end before a hole, and the next piece's place
    [InlineData("1.0", 515, 3, 1)]
    public void The_alignment_is_what_holds_for_all_pieces(string form, long offset, int length, int alignment)
    {
        (long, byte[])[] pieces = [(offset, Fill(length, 1)), (16384, Fill(7, 2))];
        using Layer layer = Open(Sparse(new TarBuilder(), form, "s", 16391, pieces).End());
        Assert.Equal(alignment, ((PlacedContent)At(layer, "s").Content).Alignment);
        Assert.Equal(Expect(16391, pieces), Bytes(At(layer, "s")));
    }

    [Fact]
    public void Pieces_that_touch_are_one()
    {
        using Layer layer = Open(new TarBuilder().OldSparse("s", 1024, (0, Fill(100, 1)), (100, Fill(924, 2))).End());
        PlacedContent content = (PlacedContent)At(layer, "s").Content;
        Assert.Equal((1, 512), (content.Extents.Length, content.Alignment));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_map_that_contradicts_itself_is_refused(string form)
    {
        byte[] piece = Fill(512, 1);
        foreach ((long size, (long, byte[])[] pieces) in ((long, (long, byte[])[])[])
            [(2048, [(1024, piece), (0, piece)]), (2048, [(0, piece), (256, piece)]), (1024, [(1024, piece)]), (100, [(0,
                piece)]),
                (2048, [(long.MaxValue, piece)])])
        {
            Assert.Contains("entry s: piece", Corrupt(Sparse(new TarBuilder(), form, "s", size, pieces).End()).Message);
        }
    }

    [Theory]
    [InlineData("0,512,1024", "two for each")]
    [InlineData("0,512,1024,512,4096,512", "two for each")]
    [InlineData("0,512,1024,x", "not a number")]
    [InlineData("0,512,1024,1024", "more than the 1024 bytes")]
    [InlineData("0,512,1024,256", "is of 768 bytes of data, the archive has 1024")]
    [InlineData("0,512,1024,-512", "piece 1")]
    [InlineData("0,512,1024,9223372036854775807", "piece 1")]
    public void A_map_in_records_must_fit_the_data(string map, string why) => Assert.Contains(why, Corrupt(new TarBuilder()
        .Pax(("GNU.sparse.size", "8192"), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.map", map), ("GNU.sparse.name", "s"))
        .File("x", new string('d', 1024)).End()).Message);

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("1\n0\n")]
    [InlineData("1\n0\nx\n")]
    [InlineData("1 0 512")]
    [InlineData("99999999999999999999\n")]
    [InlineData("1000000\n0\n")]
    public void A_map_before_the_data_must_be_a_number_a_line(string map) =>
        Assert.Contains("its sparse map", Corrupt(new TarBuilder()
        .Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "8192"))
        .File("x", map.PadRight(512, '\0')).End()).Message);

    [Fact]
    public void What_is_not_known_of_sparse_files_is_said()
    {
        Assert.Contains("version 2.0", Unsupported(new TarBuilder().Pax(("GNU.sparse.major", "2")).File("a")).Message);
        Assert.Contains("its size", Corrupt(new TarBuilder().Pax(("GNU.sparse.major", "1")).File("a")).Message);
        Assert.Contains("no map", Corrupt(new TarBuilder().Pax(("GNU.sparse.major", "0"), ("GNU.sparse.size", "5")).File("a"))
            .Message);
        Assert.Contains("in turn", Corrupt(new TarBuilder().Pax(("GNU.sparse.numbytes", "0")).File("a")).Message);
        Assert.Contains("not of GNU", Unsupported(new TarBuilder().Add(new TarFields { Type = 'S', Name = [65] })).Message);
        Assert.Contains("pieces", Unsupported(new TarBuilder().Pax(("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "5"))
            .File("a", "9999999\n".PadRight(512, '\0'))).Message);
    }
}
