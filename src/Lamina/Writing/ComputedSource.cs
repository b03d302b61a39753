namespace Lamina.Writing;

/// <summary>Bytes whose count is known, and which are computed when they are first read.</summary>
/// <param name="name">What messages call them.</param>
/// <param name="length">Their count.</param>
/// <param name="compute">Computes them; called once.</param>
internal sealed class ComputedSource(string name, long length, Func<byte[]> compute) : ByteSource
{
    private readonly Lazy<byte[]> _bytes = new(compute);

    public override string Name => name;

    public override long Length => length;

    internal override ReadOnlyMemory<byte> Memory => _bytes.Value;

    public override int Read(long offset, Span<byte> destination)
    {
        if (offset < 0 || offset >= length)
            return 0;
        ReadOnlySpan<byte> there = _bytes.Value.AsSpan((int)offset);
        int count = Math.Min(there.Length, destination.Length);
        there[..count].CopyTo(destination);
        return count;
    }
}
