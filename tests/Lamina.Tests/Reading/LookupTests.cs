using Lamina.Layers;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Reading;

/// <summary>Looking paths up, and streams.</summary>
public class LookupTests
{
    private static Layer Open(string image = "inline.erofs") => LayerOpener.Open(Corpus.PathOf(image));

    [Theory]
    [InlineData("/text/100")]
    [InlineData("text/100")]
    [InlineData("//text///100//")]
    [InlineData("/text/./../text/100")]
    [InlineData("../../text/100")]
    public void A_path_leads_to_its_file(string path)
    {
        using Layer image = Open();
        Assert.Equal(100, image.Root.Get(path).Size);
        Assert.Equal(100, image.Root.Get(path, followLinks: true).OpenRead().Length);
    }

    [Theory]
    [InlineData("/text/no")]
    [InlineData("/no/100")]
    [InlineData("/text/100/x")]
    [InlineData("/link/abs/x")]
    public void A_path_without_a_file_is_not_found(string path)
    {
        using Layer image = Open();
        Assert.Null(image.Root.Find(path));
        Assert.Null(image.Root.Find(path, followLinks: true));
        FileNotFoundException failure = Assert.Throws<FileNotFoundException>(() => image.Root.Get(path));
        Assert.Equal(path, failure.FileName);
    }

    [Fact]
    public void A_symbolic_link_is_followed_if_asked()
    {
        using Layer image = Open();
        Assert.Equal(NodeType.SymbolicLink, image.Root.Get("/link/abs").Type);
        Assert.Equal(NodeType.RegularFile, image.Root.Get("/link/abs", followLinks: true).Type);
        Assert.Equal(100, image.Root.Get("/link/abs", followLinks: true).Size);
    }

    [Fact]
    public void Every_name_of_an_image_is_found_by_its_bytes()
    {
        using Layer image = Open();
        int count = 0;
        foreach ((byte[] path, Node node) in Generators.Trees.Walk(image.Root))
        {
            count++;
            Node found = image.Root.Find((ReadOnlySpan<byte>)path)!;
            Assert.Equal((node.Mode, node.Size, node.Modified), (found.Mode, found.Size, found.Modified));
        }
        Assert.Equal(Corpus.Truth("inline.erofs").Length, count);
    }

    [Fact]
    public void What_a_file_is_not_cannot_be_asked_of_it()
    {
        using Layer image = Open();
        Assert.Throws<InvalidOperationException>(() => image.Root.OpenRead());
        Assert.Throws<InvalidOperationException>(() => image.Root.Get("/text/100").EnumerateEntries());
    }

    [Fact]
    public async Task A_stream_reads_seeks_and_ends_as_streams_do()
    {
        using Layer image = Open("zstd.erofs");
        Node entry = image.Root.Get("/text/200001");
        byte[] whole = new byte[entry.Size];
        entry.Content.Open().ReadExactly(0, whole);
        Stream stream = entry.OpenRead();
        Assert.True(stream is { CanRead: true, CanSeek: true, CanWrite: false });
        Assert.Equal(200001, stream.Length);
        Assert.Equal(200000, stream.Seek(-1, SeekOrigin.End));
        Assert.Equal(whole[^1], stream.ReadByte());
        Assert.Equal(-1, stream.ReadByte());
        stream.Position = 5;
        Assert.Equal(7, stream.Seek(2, SeekOrigin.Current));
        byte[] part = new byte[1000];
        await stream.ReadExactlyAsync(part, TestContext.Current.CancellationToken);
        Assert.Equal(whole[7..1007], part);
        stream.Position = long.MaxValue;
        Assert.Equal(0, stream.Read(part));
        Assert.Throws<IOException>(() => stream.Seek(-1, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => stream.WriteByte(1));
        using MemoryStream copy = new();
        stream.Position = 0;
        stream.CopyTo(copy);
        Assert.Equal(whole, copy.ToArray());
        stream.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stream.ReadByte());
    }

    [Fact]
    public void Links_in_a_circle_end_and_links_within_a_tar_are_followed()
    {
        Node root = Exporting.Trees.Root(
            Exporting.Trees.Link("a", "b"), Exporting.Trees.Link("b", "/a"), Exporting.Trees.Link("up", "../../f"),
            Exporting.Trees.File("f", "data"));
        Assert.Throws<IOException>(() => root.Find("a", followLinks: true));
        Assert.Equal(4, root.Get("up", followLinks: true).Size);
        Assert.Equal("up", root.EnumerateEntries().Last().ToString());
    }

    [Theory]
    [InlineData(0, 0u, "1970-01-01T00:00:00.0000000+00:00")]
    [InlineData(-1, 999_999_999u, "1969-12-31T23:59:59.9999999+00:00")]
    [InlineData(long.MinValue, 0u, "0001-01-01T00:00:00.0000000+00:00")]
    [InlineData(long.MaxValue, 5u, "9999-12-31T23:59:59.9999999+00:00")]
    public void A_time_is_one_of_the_base_library(long seconds, uint nanoseconds, string text) =>
        Assert.Equal(text, new Timestamp(seconds, nanoseconds).ToDateTimeOffset().ToString("o"));
}
