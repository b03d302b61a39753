using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Takes the data of a file, in order; what is left out between two calls, or at the end, is zeros.</summary>
internal interface IDataSink
{
    void Take(long offset, ReadOnlySpan<byte> bytes);
}

/// <summary>
/// Reads files from end to end, one after the other: clusters are decoded once each, straight into one buffer that is handed
/// on when it is full. For one thread; a thread has one of its own, and so its own place in each packed file.
/// </summary>
internal sealed class DataReader
{
    /// <summary>Bytes handed on at once. A larger cluster still goes in one piece.</summary>
    private const int BufferSize = 1 << 20;

    private readonly Dictionary<PackedFile, ContentSource> _packed = new(ReferenceEqualityComparer.Instance);
    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferSize);

    /// <summary>Reads a whole file.</summary>
    public void Read<TSink>(Content content, ref TSink sink) where TSink : struct, IDataSink
    {
        DecodableMap? map = content is EncodedContent encoded ? DecodableMap.Of(encoded) : null;
        Read(content, map, 0, content.Size, ref sink);
    }

    /// <summary>Reads a part of a file. Of an encoded one: the clusters that begin in it.</summary>
    /// <param name="content">The file.</param>
    /// <param name="map">Its map, if it is encoded.</param>
    /// <param name="start">The first byte of the part.</param>
    /// <param name="end">The byte behind it.</param>
    /// <param name="sink">Who takes the data.</param>
    public void Read<TSink>(Content content, DecodableMap? map, long start, long end, ref TSink sink) where TSink : struct,
        IDataSink
    {
        switch (content)
        {
            case BytesContent bytes:
                sink.Take(start, bytes.Bytes.Span[(int)start..(int)end]);
                break;
            case PlacedContent placed:
                foreach (PlacedExtent extent in placed.Extents)
                {
                    long from = Math.Max(start, extent.Logical), to = Math.Min(end, extent.Logical + extent.Length);
                    if (from < to)
                        Copy(extent.Original.Bytes, extent.Offset + from - extent.Logical, from, to, ref sink);
                }
                break;
            default:
                Decode(map!.Value, start, end, ref sink);
                break;
        }
    }

    private void Copy<TSink>(ByteSource source, long offset, long start, long end, ref TSink sink) where TSink : struct, IDataSink
    {
        while (start < end)
        {
            Span<byte> part = _buffer.AsSpan(0, (int)Math.Min(end - start, BufferSize));
            source.ReadExactly(offset, part);
            sink.Take(start, part);
            start += part.Length;
            offset += part.Length;
        }
    }

    private void Decode<TSink>(in DecodableMap decodable, long start, long end, ref TSink sink) where TSink : struct, IDataSink
    {
        ClusterMap map = decodable.Map;
        long first = start;                                             // where the buffer's bytes belong
        int used = 0;
        ReadOnlySpan<ClusterExtent> extents = map.Extents;
        for (int i = FirstFrom(extents, start); i < extents.Length && extents[i].Logical < end; i++)
        {
            ref readonly ClusterExtent extent = ref extents[i];
            bool isHole = extent.Encoding == ClusterEncoding.Hole;
            if (used > 0 && (isHole || extent.Length > _buffer.Length - used))
            {
                sink.Take(first, _buffer.AsSpan(0, used));
                used = 0;
            }
            if (isHole)
                continue;
            if (used == 0)
                first = extent.Logical;
            if (extent.Length > _buffer.Length)                         // the map was checked: no cluster decodes to much
                _buffer = GC.AllocateUninitializedArray<byte>((int)extent.Length);
            decodable.Decode(extent, _buffer.AsSpan(used, (int)extent.Length));
            used += (int)extent.Length;
        }
        if (used > 0)
            sink.Take(first, _buffer.AsSpan(0, used));
        if (map.Packed is { } packed && map.FragmentStart < map.Size && map.FragmentStart >= start && map.FragmentStart < end)
            Copy(SourceOf(packed), map.FragmentOffset, map.FragmentStart, map.Size, ref sink);
    }

    private ContentSource SourceOf(PackedFile packed)
    {
        if (!_packed.TryGetValue(packed, out ContentSource? source))
            _packed.Add(packed, source = new ContentSource($"{packed.Name} (packed file)", packed.Content));
        return source;
    }

    private static int FirstFrom(ReadOnlySpan<ClusterExtent> extents, long start)
    {
        int low = 0, high = extents.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (extents[middle].Logical < start)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}
