namespace Lamina.Archives;

/// <summary>An archive that is being written, front to back: a stream that need not know its position.</summary>
/// <param name="output">What takes it.</param>
/// <param name="options">What is told of progress, and what stops it.</param>
/// <param name="estimate">Gives what it will come to, or a little less; asked if it takes long. Null: nobody knows.</param>
internal sealed class ArchiveStream(Stream output, WorkOptions options, Func<long>? estimate = null) : IDisposable
{
    /// <summary>Bytes between two reports of progress.</summary>
    private const long ProgressStep = 8 << 20;

    private static readonly byte[] s_zeros = new byte[64 << 10];

    private readonly BufferedStream _output = new(output, 256 << 10);
    private long _reported;
    private long? _total;

    /// <summary>The count of bytes so far.</summary>
    public long Position { get; private set; }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        options.Cancellation.ThrowIfCancellationRequested();
        _output.Write(bytes);
        Position += bytes.Length;
        if (Position - _reported >= ProgressStep)
        {
            _reported = Position;
            Report(Math.Max(Position, _total ??= estimate?.Invoke() ?? 0));
        }
    }

    public void WriteZeros(long count)
    {
        for (; count > 0; count -= s_zeros.Length)
            Write(s_zeros.AsSpan(0, (int)Math.Min(count, s_zeros.Length)));
    }

    /// <summary>Writes zeros up to a multiple of a power of two.</summary>
    public void Align(int unit) => WriteZeros(-Position & (unit - 1));

    /// <summary>Writes out the last of it.</summary>
    public void Flush()
    {
        _output.Flush();
        Report(Position);
    }

    private void Report(long total) => options.Progress?.Report(new Progress(Position, total));

    /// <summary>Leaves the stream below open, and what was not flushed unwritten: after a failure nobody needs it.</summary>
    public void Dispose() => GC.SuppressFinalize(_output);
}
