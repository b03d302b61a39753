using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>
/// The data of a compressed file, opened: holes are zeros, clusters are decoded. What is read in small steps comes from a cache
/// of decoded clusters; a whole cluster is decoded straight into a destination that has room for it.
/// </summary>
/// <param name="name">What messages call it.</param>
/// <param name="length">The file's size in bytes.</param>
/// <param name="readMap">Reads the map; called at the first use, and once.</param>
/// <param name="clusters">Decoded clusters of the image; without, the cluster decoded last is kept.</param>
internal sealed class EncodedSource(string name, long length, Func<DecodableMap> readMap, ClusterCache? clusters = null)
    : ContentSource(name, length)
{
    private readonly ClusterCache _clusters = clusters ?? new ClusterCache(0);
    private readonly Lazy<DecodableMap> _map = new(readMap);

    /// <summary>Over a map that was read already, of an image as it is written today.</summary>
    public EncodedSource(string name, ClusterMap map) : this(name, map.Size, () => new DecodableMap(map, false))
    {
    }

    internal override void Prepare() => _ = _map.Value;

    internal override DataRange UnitAt(long offset)
    {
        ClusterMap map = _map.Value.Map;
        if (offset >= map.FragmentStart)
            return base.UnitAt(offset);
        ref readonly ClusterExtent extent = ref map.Extents[IndexOf(map.Extents, offset)];
        return extent.Encoding == ClusterEncoding.Shifted ? base.UnitAt(offset) : new DataRange(extent.Logical, extent.Length);
    }

    protected override IEnumerable<DataRange> EnumerateParts()
    {
        ClusterMap map = _map.Value.Map;
        foreach (ClusterExtent extent in map.Extents)
        {
            if (extent.Encoding != ClusterEncoding.Hole)
                yield return new DataRange(extent.Logical, extent.Length);
        }
        if (map.Packed is not null && map.FragmentStart < Length)
            yield return new DataRange(map.FragmentStart, Length - map.FragmentStart);
    }

    protected override void ReadWithin(long offset, Span<byte> destination)
    {
        DecodableMap decodable = _map.Value;
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
