using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>
/// The bytes of a file's content, whatever form it has: holes are zeros, clusters are decoded. What is read in small steps comes
/// from a cache of decoded clusters; a whole cluster is decoded straight into a destination that has room for it.
/// </summary>
internal sealed class ContentSource : ByteSource
{
    private readonly Content _content;
    private readonly ClusterCache _clusters;
    private readonly Lazy<DecodableMap> _map;

    /// <summary>Over any content.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="content">The content.</param>
    /// <param name="clusters">Decoded clusters of the image; without, the cluster decoded last is kept.</param>
    public ContentSource(string name, Content content, ClusterCache? clusters = null)
        : this(name, content, clusters, () => DecodableMap.Of((EncodedContent)content))
    {
    }

    /// <summary>Over a map that was read already.</summary>
    public ContentSource(string name, EncodedContent content, ClusterMap map)
        : this(name, content, null, () => new DecodableMap(map, false))
    {
    }

    private ContentSource(string name, Content content, ClusterCache? clusters, Func<DecodableMap> readMap)
    {
        Name = name;
        _content = content;
        _clusters = clusters ?? new ClusterCache(0);
        _map = new(readMap);
    }

    public override string Name { get; }

    public override long Length => _content.Size;

    /// <summary>Reads the map of a compressed file now, so that it is not read again and again if it cannot be.</summary>
    /// <exception cref="CorruptImageException">The map contradicts itself.</exception>
    public void ReadMap()
    {
        if (_content is EncodedContent)
            _ = _map.Value;
    }

    public override int Read(long offset, Span<byte> destination)
    {
        if (offset < 0 || offset >= Length)
            return 0;
        destination = destination[..(int)Math.Min(destination.Length, Length - offset)];
        switch (_content)
        {
            case BytesContent bytes:
                bytes.Bytes.Span.Slice((int)offset, destination.Length).CopyTo(destination);
                break;
            case PlacedContent placed:
                ReadPlaced(placed.Extents, offset, destination);
                break;
            default:
                ReadEncoded(_map.Value, offset, destination);
                break;
        }
        return destination.Length;
    }

    /// <summary>Where there is data rather than holes.</summary>
    public IEnumerable<DataRange> EnumerateDataRanges()
    {
        DataRange last = default;
        foreach (DataRange part in EnumerateParts())
        {
            if (last.Offset + last.Length == part.Offset)
            {
                last = last with { Length = last.Length + part.Length };
                continue;
            }
            if (last.Length > 0)
                yield return last;
            last = part;
        }
        if (last.Length > 0)
            yield return last;
    }

    private IEnumerable<DataRange> EnumerateParts()
    {
        if (_content is PlacedContent placed)
        {
            for (int i = 0; i < placed.Extents.Length; i++)
                yield return new DataRange(placed.Extents[i].Logical, placed.Extents[i].Length);
            yield break;
        }
        ClusterMap map = _map.Value.Map;
        foreach (ClusterExtent extent in map.Extents)
        {
            if (extent.Encoding != ClusterEncoding.Hole)
                yield return new DataRange(extent.Logical, extent.Length);
        }
        if (map.Packed is not null && map.FragmentStart < Length)
            yield return new DataRange(map.FragmentStart, Length - map.FragmentStart);
    }

    private static void ReadPlaced(ReadOnlySpan<PlacedExtent> extents, long offset, Span<byte> destination)
    {
        int low = 0, high = extents.Length; // the first extent that ends behind the offset
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (extents[middle].Logical + extents[middle].Length <= offset)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < extents.Length && destination.Length > 0; low++)
        {
            PlacedExtent extent = extents[low];
            if (extent.Logical > offset)
            {
                int hole = (int)Math.Min(extent.Logical - offset, destination.Length);
                destination[..hole].Clear();
                destination = destination[hole..];
                offset += hole;
                if (destination.IsEmpty)
                    return;         // all of it was hole: what this extent holds comes later
            }
            int count = (int)Math.Min(destination.Length, extent.Logical + extent.Length - offset);
            extent.Original.Bytes.ReadExactly(extent.Offset + offset - extent.Logical, destination[..count]);
            destination = destination[count..];
            offset += count;
        }
        destination.Clear();
    }

    private void ReadEncoded(in DecodableMap decodable, long offset, Span<byte> destination)
    {
        ClusterMap map = decodable.Map;
        int index = IndexOf(map.Extents, offset);
        while (destination.Length > 0)
        {
            if (offset >= map.FragmentStart)
            {
                map.Packed!.Read(map.FragmentOffset + offset - map.FragmentStart, destination);
                return;
            }
            ref readonly ClusterExtent extent = ref map.Extents[index++];
            int count = (int)Math.Min(destination.Length, extent.Logical + extent.Length - offset);
            ReadExtent(decodable, extent, offset - extent.Logical, destination[..count]);
            destination = destination[count..];
            offset += count;
        }
    }

    private void ReadExtent(in DecodableMap decodable, in ClusterExtent extent, long into, Span<byte> destination)
    {
        switch (extent.Encoding)
        {
            case ClusterEncoding.Hole:
                destination.Clear();
                return;
            case ClusterEncoding.Shifted:
                extent.Original!.Bytes.ReadExactly(extent.Offset + into, destination);
                return;
        }
        if (_clusters.TryCopy(extent, (int)into, destination))
            return;
        if (destination.Length == extent.Length)
        {
            decodable.Decode(extent, destination);
            return;
        }
        byte[] buffer = ClusterCache.Rent(extent);
        bool isDecoded = false;
        try
        {
            decodable.Decode(extent, buffer.AsSpan(0, (int)extent.Length));
            buffer.AsSpan((int)into, destination.Length).CopyTo(destination);
            isDecoded = true;
        }
        finally
        {
            if (!isDecoded)
                ClusterCache.Discard(buffer);
        }
        _clusters.Add(extent, buffer);
    }

    private static int IndexOf(ClusterExtent[] extents, long offset)
    {
        int low = 0, high = extents.Length;
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            if (extents[middle].Logical <= offset)
                low = middle;
            else
                high = middle;
        }
        return low;
    }
}
