namespace Lamina.Tests;

public class ByteSourceTests
{
    [Fact]
    public void A_window_past_the_end_is_refused_by_name()
    {
        using ByteSource source = ByteSource.FromMemory("small", new byte[10]);
        CorruptImageException fault = Assert.Throws<CorruptImageException>(() => ByteSource.Slice(source, "part", 8, 3));
        Assert.Contains("small: part needs 3 bytes, the file has 10 (byte 0x8)", fault.Message);
    }

    [Fact]
    public void A_read_past_the_end_says_where_the_source_ends()
    {
        using ByteSource source = ByteSource.FromMemory("small", new byte[10]);
        CorruptImageException fault = Assert.Throws<CorruptImageException>(() => source.ReadExactly(6, new byte[5]));
        Assert.Equal(6, fault.Offset);
    }
}
