using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Describing;

/// <summary>Structures of an image as lines of a dump, with the names that the kernel's header gives their fields.</summary>
internal static class DumpText
{
    public static IEnumerable<string> Of(SuperBlock superBlock)
    {
        string compatible = string.Join(' ', FeatureNames.Of(superBlock.Compatible).Select(feature => feature.Name));
        string incompatible = string.Join(' ', FeatureNames.Of(superBlock.Incompatible).Select(feature => feature.Name));
        yield return $"magic 0x{SuperBlock.Magic:x8}  checksum 0x{superBlock.Checksum:x8}";
        yield return $"feature_compat 0x{(uint)superBlock.Compatible:x} ({compatible})";
        yield return $"blkszbits {superBlock.BlockBits} ({superBlock.BlockSize} bytes)  sb_extslots {superBlock.ExtensionSlots}";
        yield return $"root_nid {superBlock.RootNid}  inos {superBlock.InodeCount}";
        yield return $"epoch {superBlock.Epoch}  fixed_nsec {superBlock.FixedNanoseconds}  build_time {superBlock.BuildTime}";
        yield return $"blocks {superBlock.Blocks}  meta_blkaddr {superBlock.MetaBlockAddress}" +
            $"  xattr_blkaddr {superBlock.XattrBlockAddress}";
        yield return $"uuid {superBlock.Uuid}  volume_name \"{ShownBytes.Of(superBlock.Label.Span)}\"";
        yield return $"feature_incompat 0x{(uint)superBlock.Incompatible:x} ({incompatible})";
        yield return superBlock.Has(IncompatibleFeatures.CompressionConfigs)
            ? $"available_compr_algs 0x{superBlock.AlgorithmsOrLz4Distance:x}"
            : $"lz4_max_distance {superBlock.AlgorithmsOrLz4Distance}";
        yield return $"extra_devices {superBlock.ExtraDevices}  devt_slotoff {superBlock.DeviceTableSlot}" +
            $"  dirblkbits {superBlock.DirectoryBlockBits}";
        yield return $"xattr_prefix_count {superBlock.XattrPrefixCount}  xattr_prefix_start {superBlock.XattrPrefixStart}" +
            $"  xattr_filter_reserved {superBlock.XattrFilterReserved}";
        yield return $"packed_nid {superBlock.PackedNid}  metabox_nid {superBlock.MetaboxNid}";
    }

    public static IEnumerable<string> Of(DeviceSlot slot)
    {
        yield return $"tag \"{ShownBytes.Of(slot.Tag.Span.TrimEnd((byte)0))}\"";
        yield return $"blocks {slot.Blocks}  uniaddr {slot.UnifiedAddress}";
    }

    public static IEnumerable<string> Of(Inode inode)
    {
        InodeRecord record = inode.Record;
        string mode = Convert.ToString(record.Mode, 8).PadLeft(7, '0');
        string form = record.IsExtended ? "extended" : "compact", bit4 = record.IsSingleLinkOrDotOmitted ? " bit4" : "";
        yield return $"i_format {form} {Name(record.Layout)}{bit4}" +
            $"  i_xattr_icount {record.XattrCount}  i_mode {mode}  i_size {record.Size}  i_nlink {record.LinkCount}";
        string union = inode.Type is NodeType.CharacterDevice or NodeType.BlockDevice
            ? $"rdev {new DeviceNumber(record.Union).Major}:{new DeviceNumber(record.Union).Minor}"
            : record.Layout switch
            {
                DataLayout.ChunkBased => $"chunk format 0x{record.Union:x}",
                DataLayout.CompressedFull or DataLayout.CompressedCompact => $"compressed blocks {record.WideUnion}",
                _ => $"startblk 0x{record.WideUnion:x}",
            };
        string time = record.Nanoseconds == 0 ? $"{record.Seconds}" : $"{record.Seconds} + {record.Nanoseconds} ns";
        yield return $"i_u {union}  i_ino {record.Number}  i_uid {record.UserId}  i_gid {record.GroupId}  i_mtime {time}";
    }

    public static string Name(DataLayout layout) => layout switch
    {
        DataLayout.FlatPlain => "flat_plain",
        DataLayout.CompressedFull => "compressed_full",
        DataLayout.FlatInline => "flat_inline",
        DataLayout.CompressedCompact => "compressed_compact",
        _ => "chunk_based",
    };

    /// <summary>What stands behind an inode record: the header, ids of shared attributes, and entries.</summary>
    public static IEnumerable<string> OfXattrs(byte[] raw, IReadOnlyList<byte[]> longPrefixes)
    {
        XattrHeader header = XattrHeader.Parse(raw);
        yield return $"h_name_filter 0x{header.NameFilter:x8}  h_shared_count {header.SharedCount}";
        int position = XattrHeader.Size;
        for (int i = 0; i < header.SharedCount && position + sizeof(uint) <= raw.Length; i++, position += sizeof(uint))
            yield return $"shared xattr {BinaryPrimitives.ReadUInt32LittleEndian(raw.AsSpan(position))}";
        while (position + XattrEntryRecord.Size <= raw.Length)
        {
            XattrEntryRecord record = XattrEntryRecord.Parse(raw.AsSpan(position));
            if (record is { NameIndex: 0, NameLength: 0, ValueSize: 0 })
                yield break;
            int end = position + XattrEntryRecord.Size + record.NameLength + record.ValueSize;
            if (end > raw.Length)
            {
                yield return "an entry reaches past the end";
                yield break;
            }
            yield return OfXattr(record, raw.AsSpan(position + XattrEntryRecord.Size), longPrefixes);
            position += record.TotalSize;
        }
    }

    public static string OfXattr(XattrEntryRecord record, ReadOnlySpan<byte> body, IReadOnlyList<byte[]> longPrefixes)
    {
        int index = record.NameIndex & ~XattrEntryRecord.LongPrefix;
        ReadOnlySpan<byte> prefix = default;
        if ((record.NameIndex & XattrEntryRecord.LongPrefix) == 0)
            XattrNames.TryGetPrefix(record.NameIndex, out prefix);
        else if (index < longPrefixes.Count)
            prefix = longPrefixes[index];
        string name = ShownBytes.Of(prefix) + ShownBytes.Of(body[..record.NameLength]);
        return $"{name} (e_name_index 0x{record.NameIndex:x}) = {Value(body.Slice(record.NameLength, record.ValueSize))}";
    }

    public static string Of(DirectoryRecord record, ReadOnlySpan<byte> name)
    {
        string type = record.Type switch
        {
            DirectoryFileType.RegularFile => "f",
            DirectoryFileType.Directory => "d",
            DirectoryFileType.CharacterDevice => "c",
            DirectoryFileType.BlockDevice => "b",
            DirectoryFileType.Fifo => "p",
            DirectoryFileType.Socket => "s",
            DirectoryFileType.SymbolicLink => "l",
            DirectoryFileType.Unknown => "?",
            _ => $"0x{(byte)record.Type:x}",
        };
        return $"{type} {ShownBytes.Of(name)} -> inode {ShownBytes.OfNid(record.Nid)}";
    }

    /// <summary>The names of a directory block.</summary>
    public static IEnumerable<string> OfDirectory(byte[] block)
    {
        int first = block.Length < DirectoryRecord.Size ? 0 : DirectoryRecord.Parse(block).NameOffset;
        for (int at = 0; at + DirectoryRecord.Size <= Math.Min(first, block.Length); at += DirectoryRecord.Size)
        {
            DirectoryRecord record = DirectoryRecord.Parse(block.AsSpan(at));
            int behind = at + DirectoryRecord.Size;
            int end = behind + DirectoryRecord.Size <= first && behind + DirectoryRecord.Size <= block.Length
                ? DirectoryRecord.Parse(block.AsSpan(behind)).NameOffset : block.Length;
            if (record.NameOffset > end || end > block.Length)
            {
                yield return $"a record's name is at {record.NameOffset}, ending at {end}";
                continue;
            }
            ReadOnlySpan<byte> name = block.AsSpan(record.NameOffset, end - record.NameOffset);
            yield return Of(record, name.IndexOf((byte)0) is >= 0 and var zero ? name[..zero] : name);
        }
    }

    public static IEnumerable<string> Of(ClusterMapReader reader, ClusterMap map, bool isExtents)
    {
        MapHeader header = reader.Header;
        if (header.IsWholeFragment)
        {
            yield return $"the whole file is a fragment, at {header.WholeFragmentOffset} of the packed file";
            yield break;
        }
        yield return isExtents
            ? $"h_advise 0x{(ushort)header.Advice:x}  extents {header.ExtentCount}  record size {header.ExtentRecordSize}"
            : $"h_advise 0x{(ushort)header.Advice:x}  h_algorithmtype {header.Algorithm1} {header.Algorithm2}" +
                $"  h_clusterbits {header.ClusterShift}  h_fragmentoff/h_idata_size 0x{header.FragmentOffset:x}";
        foreach (ClusterExtent extent in map.Extents)
            yield return $"bytes {extent.Logical} to {extent.Logical + extent.Length}: {Cluster(extent)}";
        if (map.Packed is not null)
            yield return $"bytes {map.FragmentStart} to {map.Size}: fragment, at {map.FragmentOffset} of the packed file";
    }

    private static string Cluster(in ClusterExtent extent) => extent.Encoding == ClusterEncoding.Hole
        ? "hole" : $"{Kind(extent.Encoding, extent.IsPartial)}, {extent.EncodedLength} bytes at 0x{extent.Offset:x}";

    public static string Kind(ClusterEncoding encoding, bool isPartial)
    {
        string kind = encoding switch
        {
            ClusterEncoding.Shifted => "plain",
            ClusterEncoding.Interlaced => "plain, rotated",
            _ => $"{encoding.ToString().ToLowerInvariant()} cluster",
        };
        return isPartial ? $"{kind}, in part" : kind;
    }

    private static string Value(ReadOnlySpan<byte> value)
    {
        const int shown = 64;
        ReadOnlySpan<byte> start = value[..Math.Min(value.Length, shown)];
        bool isText = value.IndexOfAnyExceptInRange((byte)33, (byte)126) < 0 && value.Length > 0;
        string text = isText ? $"\"{ShownBytes.Of(start)}\"" : $"0x{Convert.ToHexStringLower(start)}";
        return value.Length > shown ? $"{text}... ({value.Length} bytes)" : text;
    }
}
