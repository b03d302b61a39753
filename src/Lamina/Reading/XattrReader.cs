using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>Reads the extended attributes of inodes: those that stand with the inode, and those shared by many.</summary>
internal sealed class XattrReader
{
    /// <summary>
    /// Sets kept, so that inodes with the same bytes share one. Images label thousands of files with a handful.
    /// </summary>
    private const int MaxKnownSets = 4096;

    /// <summary>Bytes of xattrs that are worth remembering; longer ones are rarely repeated.</summary>
    private const int MaxKnownLength = 256;

    /// <summary>
    /// Bytes of shared xattrs that are taken in any case: prefixes and a compressed metabox may make them more than the
    /// image.
    /// </summary>
    private const long SharedAllowance = 16 << 20;

    private readonly ErofsImage _image;
    private readonly byte[][] _longPrefixes;
    private readonly HashSet<int> _unseenPrefixes = [];
    private readonly Dictionary<int, List<(byte[] Raw, XattrSet Set)>> _known = [];
    private readonly Lock _lock = new();
    private readonly Dictionary<uint, Xattr> _shared = [];
    private int _knownCount;
    private long _sharedBytes;

    public XattrReader(ErofsImage image)
    {
        _image = image;
        _longPrefixes = ReadLongPrefixes();
    }

    /// <summary>
    /// The long name prefixes of the image, resolved: without trailing NUL, short prefix included if they build on one.
    /// </summary>
    public IReadOnlyList<byte[]> LongPrefixes => _longPrefixes;

    /// <summary>What the long prefixes were read from; null without any.</summary>
    public MetadataReader? PrefixMetadata { get; private set; }

    /// <summary>Reads those of an inode.</summary>
    /// <param name="inode">The inode.</param>
    /// <param name="cursor">What the inode was read with; null if it stands alone.</param>
    /// <exception cref="CorruptImageException">They contradict the format.</exception>
    public XattrSet Read(in Inode inode, MetadataCursor? cursor = null)
    {
        int size = inode.Record.XattrSize;
        if (size == 0)
            return XattrSet.Empty;
        MetadataReader metadata = _image.MetadataOf(inode.Nid);
        long position = inode.Position + inode.Record.RecordSize;
        ReadOnlySpan<byte> raw = cursor?.Reader == metadata ? cursor.Read(position, size, inode.Nid)
            : metadata.Read(position, size, inode.Nid);
        if (raw.Length > MaxKnownLength)
            return Parse(inode, raw);
        HashCode hash = new();
        hash.AddBytes(raw);
        int key = hash.ToHashCode();
        lock (_lock)
        {
            if (_known.TryGetValue(key, out List<(byte[] Raw, XattrSet Set)>? sets))
            {
                foreach ((byte[] known, XattrSet set) in sets)
                {
                    if (raw.SequenceEqual(known))
                        return set;
                }
            }
        }
        XattrSet parsed = Parse(inode, raw);
        lock (_lock)
        {
            if (_knownCount < MaxKnownSets)
            {
                _knownCount++;
                if (!_known.TryGetValue(key, out List<(byte[], XattrSet)>? list))
                    _known.Add(key, list = []);
                list.Add((raw.ToArray(), parsed));
            }
        }
        return parsed;
    }

    private XattrSet Parse(in Inode inode, ReadOnlySpan<byte> raw)
    {
        // A header with nothing behind it has no meaning yet: kernels answer EOPNOTSUPP (erofs_init_inode_xattrs).
        if (raw.Length == XattrHeader.Size)
            throw _image.Corrupt(inode, $"{raw.Length} bytes of xattrs hold a header alone");
        if (_image.SuperBlock.Has(CompatibleFeatures.SharedXattrsInMetabox)
            && !_image.SuperBlock.Has(IncompatibleFeatures.Metabox))
            throw _image.Corrupt(inode, "shared xattrs are said to be in the metabox, and the image has none");
        XattrHeader header = XattrHeader.Parse(raw);
        int position = XattrHeader.Size + header.SharedCount * sizeof(uint);
        if (position > raw.Length)
            throw _image.Corrupt(inode, $"{header.SharedCount} shared xattrs do not fit into {raw.Length} bytes");
        List<Xattr> items = [];
        while (position + XattrEntryRecord.Size <= raw.Length)
        {
            XattrEntryRecord record = XattrEntryRecord.Parse(raw[position..]);
            if (record is { NameIndex: 0, NameLength: 0, ValueSize: 0 })
            {
                position += XattrEntryRecord.Size;      // padding, behind which kernels go on
                continue;
            }
            if (position + XattrEntryRecord.Size + record.NameLength + record.ValueSize > raw.Length)
                throw _image.Corrupt(inode,
                    $"an xattr of {record.TotalSize} bytes reaches past the inode's {raw.Length} bytes of xattrs");
            items.Add(Parse(inode, record, raw[(position + XattrEntryRecord.Size)..]));
            position += record.TotalSize;
        }
        for (int i = 0; i < header.SharedCount; i++)
        {
            uint id = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(raw[(XattrHeader.Size + i * sizeof(uint))..]);
            items.Add(ReadShared(inode, id));
        }
        ReadOnlyMemory<byte> fingerprint = items.FirstOrDefault(item => item.Name.IsEmpty && !item.Value.IsEmpty).Value;
        items.RemoveAll(item => item.Name.IsEmpty);
        CheckFilter(inode, header, items);
        items.Reverse();                                // of two of one name kernels find the first, a set keeps the last
        return XattrSet.Create(items, fingerprint);
    }

    /// <summary>
    /// With XATTR_FILTER kernels do not look for a name whose bit is set: such an attribute is listed and cannot be read
    /// (<c>erofs_getxattr</c>).
    /// </summary>
    private void CheckFilter(in Inode inode, XattrHeader header, List<Xattr> items)
    {
        SuperBlock superBlock = _image.SuperBlock;
        if (!superBlock.Has(CompatibleFeatures.XattrFilter) || superBlock.XattrFilterReserved != 0)
            return;
        foreach (Xattr item in items)
        {
            ReadOnlySpan<byte> name = item.Name.Span;
            if (XattrNames.TrySplit(name, out byte index, out int prefix)
                && (header.NameFilter & XattrHeader.FilterBit(index, name[prefix..])) != 0)
                throw _image.Corrupt(inode, $"the filter of its xattr names says that {ShownBytes.Of(name)} is not there");
        }
    }

    /// <summary>Where a shared xattr stands.</summary>
    public (MetadataReader Metadata, long Position) PlaceOfShared(uint id)
    {
        SuperBlock superBlock = _image.SuperBlock;
        bool inMetabox = superBlock.Has(CompatibleFeatures.SharedXattrsInMetabox);
        MetadataReader metadata = _image.MetadataOf(inMetabox ? ErofsImage.MetaboxBit : 0);
        return (metadata, ((long)superBlock.XattrBlockAddress << superBlock.BlockBits) + (long)id * sizeof(uint));
    }

    /// <summary>A shared xattr, the same object for all inodes that have it.</summary>
    private Xattr ReadShared(in Inode inode, uint id)
    {
        lock (_lock)
        {
            if (_shared.TryGetValue(id, out Xattr known))
                return known;
        }
        Xattr item = ParseShared(inode, id);
        lock (_lock)
        {
            if (_shared.TryGetValue(id, out Xattr known))
                return known;                                           // another thread was first
            _sharedBytes += item.Name.Length + item.Value.Length;
            // Shared xattrs do not overlap, so all of them together are no more than the image, but for the names' prefixes.
            if (_sharedBytes > SharedAllowance + _image.Primary.Length * 2)
                throw _image.Corrupt(inode,
                    $"shared xattr {id} overlaps others: all have {_sharedBytes} bytes, more than the image");
            _shared.Add(id, item);
            return item;
        }
    }

    private Xattr ParseShared(in Inode inode, uint id)
    {
        (MetadataReader metadata, long position) = PlaceOfShared(id);
        XattrEntryRecord record = XattrEntryRecord.Parse(metadata.Read(position, XattrEntryRecord.Size, inode.Nid));
        ReadOnlySpan<byte> body = metadata.Read(position + XattrEntryRecord.Size, record.NameLength + record.ValueSize,
            inode.Nid);
        return Parse(inode, record, body);
    }

    /// <summary>One attribute. One of no namespace has no name; it has a value only if that is the file's fingerprint.</summary>
    private Xattr Parse(in Inode inode, XattrEntryRecord record, ReadOnlySpan<byte> body)
    {
        ReadOnlySpan<byte> prefix;
        if ((record.NameIndex & XattrEntryRecord.LongPrefix) != 0)
        {
            int index = record.NameIndex & ~XattrEntryRecord.LongPrefix;
            if (index >= _longPrefixes.Length)
                throw _image.Corrupt(inode, $"xattr name prefix {index} of {_longPrefixes.Length}");
            if (_unseenPrefixes.Contains(index))
            {
                bool isFingerprint = _image.SuperBlock.Has(CompatibleFeatures.InodeShareXattrs)
                    && index == _image.SuperBlock.SharePrefix && record.NameLength == 0;
                return isFingerprint ? new Xattr(default, body[..record.ValueSize].ToArray()) : default;
            }
            prefix = _longPrefixes[index];
        }
        else if (!XattrNames.TryGetPrefix(record.NameIndex, out prefix))
        {
            throw _image.Corrupt(inode, $"xattr name index {record.NameIndex} is not known");
        }
        byte[] name = [.. prefix, .. body[..record.NameLength]];
        if (name.Length > XattrSet.MaxNameLength || name.AsSpan().Contains((byte)0))
            throw _image.Corrupt(inode, $"an xattr name of {name.Length} bytes is too long or holds a NUL");
        if (record is { NameIndex: 2 or 3, NameLength: > 0 })
            throw _image.Corrupt(inode, $"a POSIX ACL has a name of its own, {record.NameLength} bytes");
        if (name[^1] == (byte)'.' && XattrNames.TrySplit(name, out _, out int namespaceLength) && namespaceLength == name.Length)
            throw _image.Corrupt(inode, $"an xattr has no name behind {ShownBytes.Of(name)}");
        byte[] value = body.Slice(record.NameLength, record.ValueSize).ToArray();
        if (TreeRules.FaultOfXattr(name, value) is { } fault)
            throw _image.Corrupt(inode, fault);
        return new Xattr(name, value);
    }

    /// <summary>
    /// Long prefixes lie in the metabox, else in the packed file, else in the image (<c>erofs_xattr_prefixes_init</c>,
    /// fs/erofs/xattr.c); with the feature plain_xattr_pfx always in the image. Kernels look at their count alone, not at the
    /// feature that announces them.
    /// </summary>
    private byte[][] ReadLongPrefixes()
    {
        SuperBlock superBlock = _image.SuperBlock;
        if (superBlock.XattrPrefixCount == 0)
            return [];
        MetadataReader metadata = _image.MetadataOf(0);
        PrefixMetadata = metadata;
        if (!superBlock.Has(CompatibleFeatures.PlainXattrPrefixes))
        {
            if (superBlock.Has(IncompatibleFeatures.Metabox))
                metadata = _image.MetadataOf(ErofsImage.MetaboxBit);
            else if (_image.Packed is { } packed)
                metadata = new MetadataReader(_image.OpenSource(packed.Content));
            PrefixMetadata = metadata;
        }
        byte[][] prefixes = new byte[superBlock.XattrPrefixCount][];
        long position = (long)superBlock.XattrPrefixStart * sizeof(uint);
        for (int i = 0; i < prefixes.Length; i++)
        {
            position = (position + 3) & ~3L;
            ReadOnlySpan<byte> size = metadata.Read(position, 2);
            int length = size[0] | size[1] << 8;
            if (length is 0 or > XattrSet.MaxNameLength + 1)
                throw new CorruptImageException(_image.Name, $"xattr name prefix {i} has {length} bytes", null, position);
            ReadOnlySpan<byte> bytes = metadata.Read(position + 2, length);
            if (bytes[0] == LongPrefixRecord.NoNamespace)
                _unseenPrefixes.Add(i);
            if (!XattrNames.TryGetPrefix(bytes[0], out ReadOnlySpan<byte> shortPrefix)
                && bytes[0] != LongPrefixRecord.NoNamespace)
                throw new CorruptImageException(_image.Name, $"xattr name prefix {i} builds on index {bytes[0]}", null, position);
            prefixes[i] = [.. shortPrefix, .. bytes[1..]];
            position += 2 + length;
        }
        return prefixes;
    }
}
