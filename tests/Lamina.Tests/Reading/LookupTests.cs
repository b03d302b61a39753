using System.Text;
using Lamina.Reading;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Reading;

/// <summary>Looking paths up, and streams.</summary>
public class LookupTests
{
    private static ErofsImage Open() => ErofsImage.Open(Corpus.PathOf("inline.erofs"));

    [Theory]
    [InlineData("/text/100")]
    [InlineData("text/100")]
    [InlineData("//text///100//")]
    [InlineData("/text/./../text/100")]
    [InlineData("../../text/100")]
    public void A_path_leads_to_its_file(string path)
    {
        using ErofsImage image = Open();
        ErofsEntry entry = image.GetEntry(path);
        Assert.Equal(100, entry.Size);
        Assert.Equal("100", Encoding.UTF8.GetString(entry.Name.Span));
    }

    [Theory]
    [InlineData("/text/no")]
    [InlineData("/no/100")]
    [InlineData("/text/100/x")]
    [InlineData("/link/abs/x")]
    public void A_path_without_a_file_is_not_found(string path)
    {
        using ErofsImage image = Open();
        Assert.Null(image.Find(path));
        Assert.Null(image.Find(path, followsLinks: true));
        FileNotFoundException failure = Assert.Throws<FileNotFoundException>(() => image.GetEntry(path));
        Assert.Equal(path, failure.FileName);
    }

    [Fact]
    public void A_symbolic_link_is_followed_if_asked()
    {
        using ErofsImage image = Open();
        Assert.Equal(NodeType.SymbolicLink, image.GetEntry("/link/abs").Type);
        Assert.Equal(image.GetEntry("/text/100").Nid, image.GetEntry("/link/abs", followsLinks: true).Nid);
    }

    [Fact]
    public void Every_name_of_an_image_is_found_by_its_bytes()
    {
        using ErofsImage image = Open();
        int count = 0;
        Stack<(byte[] Path, ErofsEntry Entry)> open = new([([], image.Root)]);
        while (open.TryPop(out (byte[] Path, ErofsEntry Entry) next))
        {
            count++;
            Assert.Equal(next.Entry.Nid, image.Find((ReadOnlySpan<byte>)next.Path)!.Nid);
            if (!next.Entry.IsDirectory)
                continue;
            foreach (ErofsEntry entry in next.Entry.EnumerateEntries())
                open.Push(([.. next.Path, (byte)'/', .. entry.Name.Span], entry));
        }
        Assert.Equal(Corpus.Truth("inline.erofs").Length, count);
    }

    [Fact]
    public void What_a_file_is_not_cannot_be_asked_of_it()
    {
        using ErofsImage image = Open();
        Assert.Throws<InvalidOperationException>(() => image.Root.OpenRead());
        Assert.Throws<InvalidOperationException>(() => image.GetEntry("/text/100").EnumerateEntries());
        Assert.Throws<InvalidOperationException>(() => image.GetEntry("/text/100").ReadTarget());
    }

    [Fact]
    public async Task A_stream_reads_seeks_and_ends_as_streams_do()
    {
        using ErofsImage image = ErofsImage.Open(Corpus.PathOf("zstd.erofs"));
        ErofsEntry entry = image.GetEntry("/text/200001");
        byte[] whole = new byte[entry.Size];
        entry.OpenReader().ReadAt(0, whole);
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
}
