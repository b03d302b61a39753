using System.Buffers;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>
/// Decoded clusters, shared by all who read an image: least recently used first to go. A cluster that is in use is never reused;
/// the lock is held for bookkeeping only, never while anything is decoded.
/// </summary>
internal sealed class ClusterCache
{
    /// <summary>
    /// Bytes kept at once: room for one cluster of the largest size there is (12 MiB decoded, whose buffer is 16), or hundreds of
    /// usual ones.
    /// </summary>
    public const int UsualCapacity = 16 << 20;

    /// <summary>What a kept cluster counts for at least, so that the bookkeeping stays small as well.</summary>
    private const int MinWeight = 4096;

    private readonly Dictionary<Key, Item> _items = [];
    private readonly Stack<Item> _spare = [];
    private readonly Lock _lock = new();
    private readonly Item _ring; // the list's start and end in one: Next is the newest, Previous the oldest
    private readonly int _capacity;
    private long _weight;

    /// <summary>A cache of so many bytes. The cluster decoded last is kept in any case.</summary>
    public ClusterCache(int capacity = UsualCapacity)
    {
        _capacity = capacity;
        _ring = new Item();
        _ring.Next = _ring.Previous = _ring;
    }

    /// <summary>The bytes that buffers of kept clusters take up.</summary>
    public long Weight
    {
        get
        {
            lock (_lock)
                return _weight;
        }
    }

    /// <summary>Copies a part of what the extent decodes to, if that is kept.</summary>
    public bool TryCopy(in ClusterExtent extent, int from, Span<byte> destination)
    {
        Item? item;
        lock (_lock)
        {
            if (!_items.TryGetValue(new Key(extent), out item))
                return false;
            item.Users++;
            Unlink(item);
            LinkAsNewest(item);
        }
        item.Buffer.AsSpan(from, destination.Length).CopyTo(destination);
        Release(item);
        return true;
    }

    /// <summary>A buffer to decode an extent into; <see cref="Add"/> or <see cref="Discard"/> takes it back.</summary>
    public static byte[] Rent(in ClusterExtent extent) => ArrayPool<byte>.Shared.Rent((int)extent.Length);

    /// <summary>Gives a buffer back that could not be filled.</summary>
    public static void Discard(byte[] buffer) => ArrayPool<byte>.Shared.Return(buffer);

    /// <summary>Keeps a decoded cluster. The buffer is the cache's from now on.</summary>
    public void Add(in ClusterExtent extent, byte[] buffer)
    {
        Key key = new(extent);
        lock (_lock)
        {
            // Two threads may have decoded the same; the first one's stays.
            if (!_items.ContainsKey(key))
            {
                Item item = _spare.Count > 0 ? _spare.Pop() : new Item();
                item.Key = key;
                item.Buffer = buffer;
                item.Users = 0;
                item.IsKept = true;
                _items.Add(key, item);
                LinkAsNewest(item);
                _weight += WeightOf(buffer);
                Trim();
                return;
            }
        }
        Discard(buffer);
    }

    private static int WeightOf(byte[] buffer) => Math.Max(buffer.Length, MinWeight);

    private void Trim()
    {
        while (_weight > _capacity && _ring.Previous != _ring.Next)
        {
            Item oldest = _ring.Previous;
            Unlink(oldest);
            _items.Remove(oldest.Key);
            _weight -= WeightOf(oldest.Buffer);
            oldest.IsKept = false;
            if (oldest.Users == 0)
                Recycle(oldest);
        }
    }

    private void Release(Item item)
    {
        lock (_lock)
        {
            if (--item.Users == 0 && !item.IsKept)
                Recycle(item);
        }
    }

    private void Recycle(Item item)
    {
        ArrayPool<byte>.Shared.Return(item.Buffer);
        item.Buffer = [];
        item.Key = default;
        _spare.Push(item);
    }

    private static void Unlink(Item item)
    {
        item.Previous.Next = item.Next;
        item.Next.Previous = item.Previous;
    }

    private void LinkAsNewest(Item item)
    {
        item.Previous = _ring;
        item.Next = _ring.Next;
        _ring.Next.Previous = item;
        _ring.Next = item;
    }

    /// <summary>What decoding depends on: the cluster's bytes, and how many bytes of it are wanted.</summary>
    private readonly record struct Key(
        Original? Original, long Offset, int EncodedLength, int Length, ClusterEncoding Encoding, bool IsPartial)
    {
        public Key(in ClusterExtent extent)
            : this(extent.Original, extent.Offset, extent.EncodedLength, (int)extent.Length, extent.Encoding, extent.IsPartial)
        {
        }
    }

    private sealed class Item
    {
        public Key Key { get; set; }

        public byte[] Buffer { get; set; } = [];

        public int Users { get; set; }

        /// <summary>Whether it is in the cache; if not, the last user gives the buffer back.</summary>
        public bool IsKept { get; set; }

        public Item Next { get; set; } = null!;

        public Item Previous { get; set; } = null!;
    }
}
