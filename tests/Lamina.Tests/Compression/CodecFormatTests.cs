using System.IO.Compression;
using System.Text;
using Lamina.Compression;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Lamina.Tests.Compression;

/// <summary>What is particular to one codec.</summary>
public class CodecFormatTests
{
    [Fact]
    public void Unpadded_lz4_ignores_what_follows_the_data()
    {
        byte[] data = ClusterDecoderTests.Words(5000);
        byte[] stream = Encode.Stream(Codec.Lz4, data);
        byte[] decoded = new byte[data.Length];
        foreach (byte filler in new byte[] { 0, 0x5A, 0xFF })
        {
            byte[] cluster = [.. stream, .. Enumerable.Repeat(filler, 999)];
            Assert.True(ClusterDecoders.Lz4Unpadded.TryDecode(cluster, decoded, false));
            Assert.Equal(data, decoded);
        }
        Assert.False(ClusterDecoders.Lz4Unpadded.TryDecode(stream, new byte[data.Length + 1], false));
    }

    [Fact]
    public void Padded_lz4_must_end_with_its_cluster()
    {
        byte[] stream = Encode.Stream(Codec.Lz4, ClusterDecoderTests.Words(500));
        Assert.False(ClusterDecoders.For(Codec.Lz4).TryDecode([.. stream, 0], new byte[500], false));
        Assert.True(ClusterDecoders.For(Codec.Lz4).TryDecode([.. stream, 0], new byte[500], true));
    }

    [Theory]
    [InlineData(new byte[] { 0x10, 0x41, 0x00, 0x00, 0x00 })] // distance 0
    [InlineData(new byte[] { 0x10, 0x41, 0x02, 0x00, 0x00 })] // distance before the start
    [InlineData(new byte[] { 0xF0, 0xFF, 0xFF, 0xFF, 0xFF })] // a length without end
    [InlineData(new byte[] { 0x1F, 0x41, 0x01, 0x00, 0xFF })]
    [InlineData(new byte[] { 0x10, 0x41, 0x01 })] // half a distance
    public void Bad_lz4_sequences_are_refused(byte[] cluster)
    {
        Assert.False(ClusterDecoders.For(Codec.Lz4).TryDecode(cluster, new byte[20], false));
        Assert.False(ClusterDecoders.For(Codec.Lz4).TryDecode(cluster, new byte[20], true));
    }

    /// <summary>Streams of liblzma's MicroLZMA encoder, with other properties than the usual.</summary>
    [Theory]
    [InlineData(0, 4, 4, """
        JzYaScZRAMBAbzNAIFggjNPmwN/n9Z1lyHYDYO8YiUf9rWwuTedPLLKxnfasfLjgjgjIOrMs94lFJj1y7EY/eq+U5SOfEA7StkJlxcX9+Gl0NdHOI9ZZ
        e+SS0+HYv5ktLeakEhGeBwME3TPzG+Ru7f3MppgwgS4BbdCQ7CCMX8TXcQkNef9HkF9hLBPznpQZdi3ktVz4Yw7vvumfd4JypQvHjdZVZlnpEABXtqrP
        JqyS5QXn86nBBok7ylaHzUIhxzfaVE4hEBk0jAjp/tAtQPllY8t7OmqXbCJG695XMmbWV+ZDlWIlJ1FKka9Zz+0YQkSrO6BgsirLtwLvhFX1gGLy8dwo
        aGK9Gs78UuNNSwoMNH9ntPGwZPnlzMH+cWOdxQueru6Ov7TIW6OrQZ8PTZwH+kA=
        """)]
    [InlineData(4, 0, 0, """
        +zYbHXYTSXVq228XL4KieSktB9FvjOPSgUIt8MyAdwr3CxOCD4hmYdh4Lvd5qgm9k0gZ+jitnZCZWWQmymyFYtMRknlG6D3RN31EabhaXXrfQiD1EtXK
        ZmHSeS68ytccBvlrHqXBxC5TU2eq401NIA7Esf6CFPHuvZ3nIUqRaF0kfcU1/h/nw6GkouvDqvJ2nD4SjCkmso5aWAMsRUtBEazf5OjT0vJgwKm0ZJP8
        ooifxsyJPUUlNGGk1yyuGGLADObjGSb4MxTe+x6ViIPDDJOSeKyAs2CNXMDX3Ct38/2MJUaWiIgBnkCXTBmMkCfIaZQg8Vi/2f6v0/+ulnxyAA==
        """)]
    [InlineData(1, 3, 1, """
        tjYaSjS3teJmRpYMSPi3Gugics/gm2rxOrL7FcYmi768d6qyGxuOUHA0/iTYQZongkF1C2Ua6Arm2uK0CTnzVwjh6ZiQrfJNaDBREm51M6/pvER7soc8
        llrmkpMvrjSgTfrQwBVrkgJhrCrWRJNoBFnXjk5CzP4NH55/6PCg3mAmwbnBW0KMdULDZvkval8MpJrtclbaNMn3TeZFfJqBd1+MoXan/nZESAWrC2rX
        VSBlDlz1O3JZ5kTxKBQQ/XOCz/T4zxm5upm+P85Y0npO455o2MuolwphemgloEmd7c7jgcAo2f/82AT0T9QSi84xHzw9XaXQoUQodZQ/Q2H3wum6V/8y
        jwb4CWkHXSFsdAVbH8qpFCb61j8jpu1rrV8CNvit/5FDubJw
        """)]
    [InlineData(0, 0, 0, """
        /zYblq9k6pha/1Cq06YUyCknr6X7/8d/llOPl5jvypqz3jZQBVm/JtguAixoFekMdC6fbgzTLuF0msFGia7o/GGU1UcgvnvUumnWL8mWgVrYhf8rPnS9
        HVX14j8Jh9YWGxyGf4Coe/nKv41x01TxjYmHhJYyH1Yo5VtHpDk8V/ne/gIUiJp/T4rbgZdbxLahAndlPefOTRZWkG5o/wSGM4LRqc2ilObTePjD4KnK
        KEbzMpm93INmnwtguivjRdDpHiRsm/pqpu5cWXMoO/sfpaS9QFVCOglWPiXCExOuyqfXhLaJVPU9YeZNIxsA
        """)]
    public void Every_choice_of_lzma_properties_is_understood(int lc, int lp, int pb, string stream)
    {
        StringBuilder text = new();
        for (int i = 0; i < 60; i++)
            text.Append($"line {i * i} of {i}, ");
        byte[] cluster = Convert.FromBase64String(stream);
        Assert.Equal(new LzmaProperties(lc, lp, pb), LzmaProperties.TryParse((byte)~cluster[0]));
        byte[] decoded = new byte[text.Length];
        Assert.True(ClusterDecoders.For(Codec.Lzma).TryDecode(cluster, decoded, false));
        Assert.Equal(text.ToString(), Encoding.ASCII.GetString(decoded));
    }

    [Theory]
    [InlineData(3 + (9 * 2))] // 5 bits for literals
    [InlineData(5 * 45)] // 5 position bits
    [InlineData(254)]
    public void Lzma_properties_beyond_the_limits_are_refused(byte properties)
    {
        byte[] cluster = Encode.Stream(Codec.Lzma, ClusterDecoderTests.Words(500));
        cluster[0] = (byte)~properties;
        Assert.False(ClusterDecoders.For(Codec.Lzma).TryDecode(cluster, new byte[500], true));
    }

    [Theory]
    [InlineData(CompressionLevel.Fastest)]
    [InlineData(CompressionLevel.Optimal)]
    [InlineData(CompressionLevel.SmallestSize)]
    public void Deflate_of_every_level_is_decoded(CompressionLevel level)
    {
        byte[] data = [.. ClusterDecoderTests.Words(90_000), .. new byte[5000], .. "end"u8];
        byte[] decoded = new byte[data.Length];
        Assert.True(ClusterDecoders.For(Codec.Deflate).TryDecode(Encode.Deflate(data, level), decoded, false));
        Assert.Equal(data, decoded);
    }

    [Theory]
    [InlineData("0103 00FC FF414243", true)] // stored
    [InlineData("0103 00FC FF4142", false)] // cut off
    [InlineData("0103 00FC FE414243", false)] // the length and its negation do not agree
    [InlineData("4B7472 06 00", true)] // fixed codes
    [InlineData("07", false)] // a kind of block that is none
    public void Deflate_blocks_of_each_kind(string hex, bool isGood) => Assert.Equal(
        isGood, ClusterDecoders.For(Codec.Deflate).TryDecode(Convert.FromHexString(hex.Replace(" ", "")), new byte[3], false));

    [Fact]
    public void A_stored_deflate_block_can_be_decoded_in_part()
    {
        byte[] part = new byte[2];
        byte[] cluster = Convert.FromHexString("010300FCFF414243");
        Assert.True(ClusterDecoders.For(Codec.Deflate).TryDecode(cluster, part, true));
        Assert.Equal("AB"u8, part);
        Assert.False(ClusterDecoders.For(Codec.Deflate).TryDecode(cluster, part, false));
    }

    [Theory]
    [InlineData(20, true)]
    [InlineData(21, false)]
    [InlineData(27, false)]
    public void A_zstd_window_is_bounded_by_what_the_format_allows(int windowLog, bool isGood)
    {
        byte[] data = ClusterDecoderTests.Words(3_000_000);
        using Compressor encoder = new(1);
        encoder.SetParameter(ZSTD_cParameter.ZSTD_c_windowLog, windowLog);
        byte[] cluster = encoder.Wrap(data).ToArray();
        byte[] part = new byte[100_000]; // less than all, as a decoder that needs no window would not look at it
        Assert.Equal(isGood, ClusterDecoders.For(Codec.Zstd).TryDecode(cluster, part, true));
    }

    [Fact]
    public void A_zstd_frame_of_no_stated_size_is_decoded_and_one_that_lies_is_not()
    {
        byte[] data = ClusterDecoderTests.Words(40_000);
        byte[] decoded = new byte[data.Length];
        using Compressor encoder = new(3);
        encoder.SetParameter(ZSTD_cParameter.ZSTD_c_contentSizeFlag, 0);
        encoder.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        Assert.True(ClusterDecoders.For(Codec.Zstd).TryDecode(encoder.Wrap(data), decoded, false));
        Assert.Equal(data, decoded);

        byte[] lie = Encode.Stream(Codec.Zstd, data);
        Assert.Equal(0x60, lie[4]); // one segment, its size less 256 in two bytes
        lie[5] = lie[6] = 0xFF;
        Assert.False(ClusterDecoders.For(Codec.Zstd).TryDecode(lie, decoded, false));
        byte[] huge = [.. lie.AsSpan(0, 4), 0xE0, .. Enumerable.Repeat((byte)0x7F, 8), .. lie.AsSpan(7)];
        Assert.False(ClusterDecoders.For(Codec.Zstd).TryDecode(huge, decoded, true));
    }
}
