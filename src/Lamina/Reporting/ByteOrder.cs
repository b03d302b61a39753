namespace Lamina.Reporting;

/// <summary>Orders paths by their bytes.</summary>
internal sealed class ByteOrder : IComparer<byte[]>
{
    public static ByteOrder Instance { get; } = new();

    public int Compare(byte[]? a, byte[]? b) => a.AsSpan().SequenceCompareTo(b);
}
