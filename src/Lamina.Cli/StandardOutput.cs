namespace Lamina.Cli;

/// <summary>
/// Standard output, whose failures say where they were. A reader that has gone, as with "| head", has what it wanted; .NET passes
/// over that. Whatever else keeps bytes from where they should be is a failure.
/// </summary>
/// <param name="inner">What takes the bytes; null if the program was started without one.</param>
internal sealed class StandardOutput(Stream? inner) : Stream
{
    private const string Closed = "it is closed";

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (inner is null)
            throw new IOException($"standard output: {Closed}");
        try
        {
            inner.Write(buffer);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // .NET says of a descriptor that is closed that access to it is denied.
            string why = failure is UnauthorizedAccessException ? Closed : failure.Message;
            throw new IOException($"standard output: {why}", failure.HResult);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner?.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
