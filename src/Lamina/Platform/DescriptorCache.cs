namespace Lamina.Platform;

/// <summary>
/// Files that are open, a bounded count of them: what was not used for the longest time is closed first. For several threads.
/// </summary>
internal sealed class DescriptorCache : IDisposable
{
    /// <summary>
    /// Far below the 1024 descriptors that a process may have by default, and enough for files read side by side.
    /// </summary>
    private const int Capacity = 128;

    private readonly Dictionary<object, LinkedListNode<Item>> _items = [];
    private readonly LinkedList<Item> _byUse = new();
    private readonly Lock _lock = new();

    /// <summary>How many descriptors are open.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _items.Count;
        }
    }

    /// <summary>Gives the open file of a key if it is there; it stays open until the lease is disposed.</summary>
    public Lease? Find(object key)
    {
        lock (_lock)
        {
            if (!_items.TryGetValue(key, out LinkedListNode<Item>? node))
                return null;
            _byUse.Remove(node);
            _byUse.AddLast(node);
            node.Value.Users++;
            return new Lease(this, node.Value);
        }
    }

    /// <summary>Takes over a descriptor. If another thread was faster, its one is given and this one closed.</summary>
    public Lease Add(object key, int descriptor)
    {
        lock (_lock)
        {
            if (Find(key) is { } other)
            {
                _ = Native.Close(descriptor);
                return other;
            }
            Item item = new(key, descriptor) { Users = 1 };
            _items.Add(key, _byUse.AddLast(item));
            while (_items.Count > Capacity)
                Remove(_byUse.First!.Value);
            return new Lease(this, item);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            while (_byUse.First is { } first)
                Remove(first.Value);
        }
    }

    private void Remove(Item item)
    {
        _items.Remove(item.Key, out LinkedListNode<Item>? node);
        _byUse.Remove(node!);
        item.IsRemoved = true;
        if (item.Users == 0)
            _ = Native.Close(item.Descriptor);
    }

    private void Release(Item item)
    {
        lock (_lock)
        {
            if (--item.Users == 0 && item.IsRemoved)
                _ = Native.Close(item.Descriptor);
        }
    }

    internal sealed class Item(object key, int descriptor)
    {
        public object Key => key;

        public int Descriptor => descriptor;

        public int Users { get; set; }

        public bool IsRemoved { get; set; }
    }

    /// <summary>A file that stays open as long as this is not disposed.</summary>
    internal readonly struct Lease(DescriptorCache cache, Item item) : IDisposable
    {
        public int Descriptor => item.Descriptor;

        public void Dispose() => cache.Release(item);
    }
}
