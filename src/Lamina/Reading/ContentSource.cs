using Lamina.Compression;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>
/// The bytes of a file's content, whatever form it has: holes are zeros, clusters are decoded. The cluster decoded last is
/// kept, so
/// that reading on in small steps decodes each once.
/// </summary>
internal sealed class ContentSource : ByteSource
{
    private readonly Content _content;
    private readonly Lazy<DecodableMap> _map;
    private readonly Lock _lock = new();
    private byte[] _decoded = [];
    private long _decodedStart = -1;
    private int _decodedLength;

    public ContentSource(string name, Content content)
    {
        Name = name;
        _content = content;
        _map = new(() => DecodableMap.Of((EncodedContent)_content));
    }

    /// <summary>Over a map that was read already.</summary>
    public ContentSource(string name, EncodedContent content, ClusterMap map) : this(name, content) =>
        _map = new(() => new DecodableMap(map, false));

    public override string Name { get; }

    public override long Length => _content.Size;

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
                ReadPlaced(placed, offset, destination);
                break;
            default:
                ReadEncoded(_map.Value, offset, destination);
                break;
        }
        return destination.Length;
    }

    private static void ReadPlaced(PlacedContent content, long offset, Span<byte> destination)
    {
        destination.Clear();
        ReadOnlySpan<PlacedExtent> extents = content.Extents;
        for (int i = FirstAfter(extents, offset); i < extents.Length && extents[i].Logical < offset + destination.Length; i++)
        {
            PlacedExtent extent = extents[i];
            long start = Math.Max(extent.Logical, offset), end =
                Math.Min(extent.Logical + extent.Length, offset + destination.Length);
            extent.Original.Bytes.ReadExactly(extent.Offset + start - extent.Logical,
                destination[(int)(start - offset)..(int)(end - offset)]);
        }
    }

    private static int FirstAfter(ReadOnlySpan<PlacedExtent> extents, long offset)
    {
        int low = 0, high = extents.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (extents[middle].Logical + extents[middle].Length <= offset)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private void ReadEncoded(in DecodableMap decodable, long offset, Span<byte> destination)
    {
        ClusterMap map = decodable.Map;
        while (destination.Length > 0)
        {
            if (offset >= map.FragmentStart)
            {
                map.Packed!.Read(map.FragmentOffset + offset - map.FragmentStart, destination);
                return;
            }
            int index = IndexOf(map.Extents, offset);
            ClusterExtent extent = map.Extents[index];
            int into = (int)Math.Min(offset - extent.Logical, int.MaxValue);
            int count = (int)Math.Min(destination.Length, extent.Logical + extent.Length - offset);
            if (extent.Encoding == ClusterEncoding.Hole)
            {
                destination[..count].Clear();
            }
            else if (into == 0 && count == extent.Length)
            {
                decodable.Decode(extent, destination[..count]);
            }
            else
            {
                lock (_lock)
                {
                    if (_decodedStart != extent.Logical || _decodedLength != extent.Length)
                    {
                        if (_decoded.Length < extent.Length)
                            _decoded = new byte[extent.Length];
                        _decodedStart = -1;
                        decodable.Decode(extent, _decoded.AsSpan(0, (int)extent.Length));
                        _decodedStart = extent.Logical;
                        _decodedLength = (int)extent.Length;
                    }
                    _decoded.AsSpan(into, count).CopyTo(destination);
                }
            }
            destination = destination[count..];
            offset += count;
        }
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
