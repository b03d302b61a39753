using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Describing;

/// <summary>
/// Claims what stands at fixed places: Lamina's record, the superblock, codec configurations, the device table, prefixes.
/// </summary>
/// <param name="image">The image.</param>
/// <param name="map">The map of the image file.</param>
/// <param name="metabox">The map of the metabox, if there is one.</param>
/// <param name="packed">The map of the packed file, if there is one.</param>
internal sealed class HeaderDumper(ErofsImage image, RegionMap map, RegionMap? metabox, RegionMap? packed)
{
    private const string Header = "superblock and tables";

    public void Claim()
    {
        SuperBlock superBlock = image.SuperBlock;
        map.Add(SuperBlock.Offset, SuperBlock.Offset + superBlock.Size, Header, "superblock", () => DumpText.Of(superBlock));
        ClaimConfigs();
        long position = (long)superBlock.DeviceTableSlot * DeviceSlot.Size;
        for (int i = 0; i < image.Space.Slots.Length; i++, position += DeviceSlot.Size)
        {
            DeviceSlot slot = image.Space.Slots[i];
            map.Add(position, position + DeviceSlot.Size, Header, $"device {i + 1}", () => DumpText.Of(slot));
        }
        ClaimPrefixes();
        ClaimLayers();
        ClaimTree();
    }

    private void ClaimConfigs()
    {
        if (!image.SuperBlock.Has(IncompatibleFeatures.CompressionConfigs))
            return;
        MetadataReader metadata = image.MetadataOf(0);
        CompressionConfigs configs = image.Configs;
        long position = SuperBlock.Offset + image.SuperBlock.Size;
        for (int codec = 0; codec < 4; codec++)
        {
            if ((configs.Algorithms & (1 << codec)) == 0)
                continue;
            position = (position + 3) & ~3L;
            ReadOnlySpan<byte> length = metadata.Read(position, 2);
            int size = length[0] | length[1] << 8;
            string text = codec switch
            {
                0 => $"lz4: max_distance {configs.Lz4MaxDistance}  max_pclusterblks {configs.Lz4MaxClusterBlocks}",
                1 => $"lzma: dict_size {configs.LzmaDictionarySize}",
                2 => $"deflate: windowbits {configs.DeflateWindowBits}",
                _ => $"zstd: windowlog {configs.ZstdWindowLog} + 10",
            };
            map.Add(position, position + 2 + size, Header, $"configuration of {text}");
            position += 2 + size;
        }
    }

    /// <summary>Long xattr name prefixes, in the image itself, the metabox or the packed file.</summary>
    private void ClaimPrefixes()
    {
        SuperBlock superBlock = image.SuperBlock;
        if (image.Xattrs.PrefixMetadata is not { } metadata)
            return;
        RegionMap? place = metadata == image.MetadataOf(0) ? map
            : superBlock.Has(IncompatibleFeatures.Metabox) ? metabox : packed;
        long position = (long)superBlock.XattrPrefixStart * sizeof(uint);
        foreach (byte[] prefix in image.Xattrs.LongPrefixes)
        {
            position = (position + 3) & ~3L;
            ReadOnlySpan<byte> length = metadata.Read(position, 2);
            long end = position + 2 + (length[0] | length[1] << 8);
            place?.Add(position, end, "xattrs", $"long xattr name prefix {ShownBytes.Of(prefix)}");
            position = end;
        }
    }

    /// <summary>What Lamina keeps of the layers an image was made of.</summary>
    private void ClaimLayers()
    {
        byte[] bytes = new byte[HeadRecord.Size];
        if (image.Primary.Bytes.Read(0, bytes) < bytes.Length || !HeadRecord.TryParse(bytes, out HeadRecord head))
            return;
        map.Add(0, HeadRecord.Size, "layer record", "where Lamina's layer record is",
            () => [$"position 0x{head.Position:x}  length {head.Length}  checksum 0x{head.Checksum:x8}"]);
        bool isWithin = head.Position >= 0 && head.Length >= 0 && head.Position <= image.Primary.Length - head.Length;
        if (!isWithin || head.Length > LayerRecord.MaxSize)
            return;
        byte[] record = new byte[head.Length];
        image.Primary.Bytes.ReadExactly(head.Position, record);
        if (LayerRecord.Parse(record) is not { } parsed)
            return;
        map.Add(head.Position, head.Position + head.Length, "layer record", "layer record", () => Lines(parsed));
        foreach (RecordedOriginal original in parsed.Originals.Where(original => original.Start >= 0))
        {
            map.AddBackground(original.Start, original.Start + original.Length, "unreferenced in layers",
                $"not referred to, of layer {original.Layer}: {ShownBytes.Of(original.Name.Span)}");
        }
    }

    /// <summary>The dm-verity tree behind the image.</summary>
    private void ClaimTree()
    {
        const string use = "dm-verity tree";
        if (AppendedTree.Find(image.Primary.Bytes) is not { } found)
            return;
        (VeritySuperBlock tree, long start) = found;
        MerkleShape shape = tree.Shape;
        map.Add(start, start + VeritySuperBlock.Size, use, "dm-verity superblock", () => Lines(tree));
        for (int level = shape.Levels - 1; level >= 0; level--)
        {
            long position = start + tree.TreeOffset + shape.PositionOf(level, 0);
            map.Add(position, position + shape.CountOf(level) * tree.HashBlockSize, use,
                $"dm-verity tree, level {level}: {shape.CountOf(level)} blocks");
        }
    }

    private static IEnumerable<string> Lines(VeritySuperBlock tree)
    {
        yield return $"algorithm {VerityAlgorithms.NameOf(tree.Algorithm)}  data blocks {tree.DataBlocks} of " +
            $"{tree.DataBlockSize}" +
            $"  hash block {tree.HashBlockSize}";
        yield return $"salt \"{Convert.ToHexStringLower(tree.Salt)}\"  uuid {tree.Uuid}";
    }

    private static IEnumerable<string> Lines(LayerRecord record)
    {
        yield return $"originals {record.Originals.Length}  former states {record.History.Length}";
        foreach (RecordedOriginal original in record.Originals)
        {
            string place = original.Start < 0 ? "in a file of its own" : $"at 0x{original.Start:x}";
            string digest = original.Digest.IsEmpty ? "" : $"  sha256 {Convert.ToHexStringLower(original.Digest.Span)}";
            yield return $"layer {original.Layer}: {(OriginalKind)original.Kind} {ShownBytes.Of(original.Name.Span)}," +
                $" {original.Length} bytes {place}{digest}";
        }
        foreach (RecordedState state in record.History)
            yield return $"before an append: {state.Length} bytes, header of {state.Header.Length} bytes kept";
    }
}
