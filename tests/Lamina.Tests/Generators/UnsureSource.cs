namespace Lamina.Tests.Generators;

/// <summary>A medium in memory that fails, or takes its time, at one of its reads.</summary>
internal sealed class UnsureSource(byte[] bytes) : ByteSource
{
    private int _reads;

    /// <summary>What a failing read says.</summary>
    public const string Complaint = "the medium fails";

    /// <summary>Which read fails, counted from 0, and all after it; none does with a negative number.</summary>
    public int FailsAt { get; init; } = -1;

    /// <summary>Which read takes a moment longer, counted from 0.</summary>
    public int IsSlowAt { get; init; } = -1;

    /// <summary>How many reads there were.</summary>
    public int Reads => _reads;

    public override string Name => "medium";

    public override long Length => bytes.Length;

    public override int Read(long offset, Span<byte> destination)
    {
        int number = Interlocked.Increment(ref _reads) - 1;
        if (FailsAt >= 0 && number >= FailsAt)
            throw new IOException(Complaint);
        if (number == IsSlowAt)
            Thread.Sleep(20);
        int count = (int)Math.Clamp(bytes.Length - offset, 0, destination.Length);
        bytes.AsSpan((int)Math.Min(offset, bytes.Length), count).CopyTo(destination);
        return count;
    }
}
