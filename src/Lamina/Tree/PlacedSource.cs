namespace Lamina.Tree;

/// <summary>Data that lies uncompressed in originals, opened.</summary>
internal sealed class PlacedSource(string name, PlacedContent content) : ContentSource(name, content.Size)
{
    protected override IEnumerable<DataRange> EnumerateParts()
    {
        for (int i = 0; i < content.Extents.Length; i++)
            yield return new DataRange(content.Extents[i].Logical, content.Extents[i].Length);
    }

    protected override void ReadWithin(long offset, Span<byte> destination)
    {
        ReadOnlySpan<PlacedExtent> extents = content.Extents;
        for (int i = SortedRuns.FirstBehind(extents, offset); i < extents.Length && destination.Length > 0; i++)
        {
            PlacedExtent extent = extents[i];
            if (extent.Logical > offset)
            {
                int hole = (int)Math.Min(extent.Logical - offset, destination.Length);
                destination[..hole].Clear();
                destination = destination[hole..];
                offset += hole;
                if (destination.IsEmpty)
                    return;         // all of it was hole: what this extent holds comes later
            }
            int count = (int)Math.Min(destination.Length, extent.End - offset);
            extent.Original.Bytes.ReadExactly(extent.Offset + offset - extent.Logical, destination[..count]);
            destination = destination[count..];
            offset += count;
        }
        destination.Clear();
    }
}

/// <summary>Data in memory, opened.</summary>
internal sealed class BytesSource(string name, ReadOnlyMemory<byte> bytes) : ContentSource(name, bytes.Length)
{
    internal override ReadOnlyMemory<byte> Memory => bytes;

    protected override IEnumerable<DataRange> EnumerateParts() => [new DataRange(0, bytes.Length)];

    protected override void ReadWithin(long offset, Span<byte> destination) =>
        bytes.Span.Slice((int)offset, destination.Length).CopyTo(destination);
}
