using System.Buffers.Binary;
using Lamina.Format;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Writing;

/// <summary>The xattrs of an inode as they stand on disk.</summary>
/// <param name="Bytes">Header, ids of shared ones, own ones; empty without any.</param>
internal sealed record XattrBlock(byte[] Bytes)
{
    public static XattrBlock Empty { get; } = new([]);

    public int Size => Bytes.Length;

    /// <summary>i_xattr_icount</summary>
    public ushort Count => Bytes.Length == 0 ? (ushort)0 : (ushort)((Bytes.Length - XattrHeader.Size) / sizeof(uint) + 1);
}

/// <summary>
/// Turns xattr sets into bytes. An attribute (name and value) that several inodes have stands once, in an area they share; the
/// others stand with their inode.
/// </summary>
internal sealed class XattrPlanner
{
    /// <summary>An inode can name this many shared xattrs (h_shared_count has 8 bits).</summary>
    private const int MaxShared = byte.MaxValue;

    /// <summary>All of an inode's xattrs must be counted by i_xattr_icount's 16 bits.</summary>
    private const int MaxSize = XattrHeader.Size + (ushort.MaxValue - 1) * sizeof(uint);

    private readonly Dictionary<XattrSet, int> _uses = new(ReferenceEqualityComparer.Instance);
    private readonly List<XattrSet> _sets = [];
    private readonly Dictionary<XattrSet, XattrBlock> _blocks = new(ReferenceEqualityComparer.Instance);
    private readonly MemoryStream _shared = new();
    private ReadOnlyMemory<byte> _fingerprintName;
    private Func<XattrSet, string, string?, Exception>? _refuse;

    /// <summary>Whether any inode has xattrs.</summary>
    public bool IsUsed => _sets.Count > 0;

    /// <summary>The area of shared xattrs; ids count in units of 4 bytes from its start.</summary>
    public ReadOnlyMemory<byte> SharedArea => _shared.GetBuffer().AsMemory(0, (int)_shared.Length);

    /// <summary>Counts a set once for each inode that has it.</summary>
    public void Count(XattrSet set)
    {
        if (set.HasNothing)
            return;
        if (_uses.TryGetValue(set, out int uses))
        {
            _uses[set] = uses + 1;
            return;
        }
        _uses.Add(set, 1);
        _sets.Add(set);
    }

    /// <summary>Decides what is shared, when all sets are counted.</summary>
    /// <param name="fingerprintName">The attribute whose name is the image's one long prefix; empty without.</param>
    /// <param name="refuse">Makes the exception for a set that cannot be written, of what is wrong and an advice.</param>
    public void Finish(ReadOnlyMemory<byte> fingerprintName, Func<XattrSet, string, string?, Exception> refuse)
    {
        _fingerprintName = fingerprintName;
        _refuse = refuse;
        Dictionary<Xattr, int> items = new(ItemComparer.Instance);
        foreach (XattrSet set in _sets)
        {
            foreach (Xattr item in ItemsOf(set))
                items[item] = items.GetValueOrDefault(item) + _uses[set];
        }
        Dictionary<Xattr, uint> ids = new(ItemComparer.Instance);
        foreach (XattrSet set in _sets)
            _blocks.Add(set, Encode(set, items, ids));
    }

    public XattrBlock BlockOf(XattrSet set) => set.HasNothing ? XattrBlock.Empty : _blocks[set];

    /// <summary>What is written of a set: a fingerprint that nobody sees only where kernels are told of it.</summary>
    private IEnumerable<Xattr> ItemsOf(XattrSet set)
    {
        IEnumerable<Xattr> items = set.Items.ToArray();
        return set.Fingerprint.IsEmpty || _fingerprintName.IsEmpty ? items
            : items.Prepend(new Xattr(_fingerprintName, set.Fingerprint));
    }

    private XattrBlock Encode(XattrSet set, Dictionary<Xattr, int> items, Dictionary<Xattr, uint> ids)
    {
        List<uint> shared = [];
        using MemoryStream own = new();
        Xattr[] all = [.. ItemsOf(set)];
        if (all.Length == 0)
            return XattrBlock.Empty;
        foreach (Xattr item in all)
        {
            if (items[item] < 2 || shared.Count == MaxShared)
            {
                Write(own, item, set);
                continue;
            }
            if (!ids.TryGetValue(item, out uint id))
            {
                id = (uint)_shared.Length / sizeof(uint);
                ids.Add(item, id);
                Write(_shared, item, set);
            }
            shared.Add(id);
        }
        byte[] bytes = new byte[XattrHeader.Size + shared.Count * sizeof(uint) + own.Length];
        if (bytes.Length > MaxSize)
            throw _refuse!(set, $"{bytes.Length} bytes of xattrs on one file; EROFS holds {MaxSize}", null);
        new XattrHeader(FilterOf(all), (byte)shared.Count).WriteTo(bytes);
        for (int i = 0; i < shared.Count; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(XattrHeader.Size + i * sizeof(uint)), shared[i]);
        own.GetBuffer().AsSpan(0, (int)own.Length).CopyTo(bytes.AsSpan(XattrHeader.Size + shared.Count * sizeof(uint)));
        return new XattrBlock(bytes);
    }

    /// <summary>A bit stays set for the names that are surely absent, so that the kernel need not look for those.</summary>
    internal static uint FilterOf(ReadOnlySpan<Xattr> items)
    {
        uint filter = uint.MaxValue;
        foreach (Xattr item in items)
        {
            if (!XattrNames.TrySplit(item.Name.Span, out byte index, out int prefix))
                index = LongPrefixRecord.NoNamespace;
            filter &= ~XattrHeader.FilterBit(index, item.Name.Span[prefix..]);
        }
        return filter;
    }

    private void Write(MemoryStream output, Xattr item, XattrSet set)
    {
        ReadOnlySpan<byte> name = item.Name.Span;
        byte index = XattrEntryRecord.LongPrefix;
        int prefix = name.Length;                       // the image's one long prefix is a whole name
        if (!name.SequenceEqual(_fingerprintName.Span) && !XattrNames.TrySplit(name, out index, out prefix))
        {
            throw _refuse!(set, $"xattr {ShownText.Of(name)}: EROFS has no such namespace",
                "It holds user., trusted., security., lustre. and POSIX ACLs.");
        }
        if (item.Value.Length > ushort.MaxValue)
        {
            throw _refuse!(set,
                $"xattr {ShownText.Of(name)}: a value of {item.Value.Length} bytes; EROFS holds {ushort.MaxValue}", null);
        }
        XattrEntryRecord record = new((byte)(name.Length - prefix), index, (ushort)item.Value.Length);
        Span<byte> head = stackalloc byte[XattrEntryRecord.Size];
        record.WriteTo(head);
        output.Write(head);
        output.Write(name[prefix..]);
        output.Write(item.Value.Span);
        int end = XattrEntryRecord.Size + record.NameLength + record.ValueSize;
        for (; end < record.TotalSize; end++)
            output.WriteByte(0);
    }

    private sealed class ItemComparer : IEqualityComparer<Xattr>
    {
        public static ItemComparer Instance { get; } = new();

        public bool Equals(Xattr a, Xattr b) => a.Name.Span.SequenceEqual(b.Name.Span)
            && a.Value.Span.SequenceEqual(b.Value.Span);

        public int GetHashCode(Xattr item)
        {
            HashCode hash = new();
            hash.AddBytes(item.Name.Span);
            hash.AddBytes(item.Value.Span);
            return hash.ToHashCode();
        }
    }
}
