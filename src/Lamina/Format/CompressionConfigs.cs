using System.Buffers.Binary;

namespace Lamina.Format;

/// <summary>
/// What an image says of its codecs: which there are, and the limits that a decoder must be ready for. Behind the superblock, for
/// each codec in the order of its bit: 16 bits of length and the record (<c>z_erofs_*_cfgs</c>), each at a multiple of 4 bytes.
/// </summary>
/// <param name="Algorithms">available_compr_algs: a bit for each codec, 0 LZ4, 1 LZMA, 2 DEFLATE, 3 Zstandard.</param>
internal readonly record struct CompressionConfigs(ushort Algorithms)
{
    /// <summary>All codecs there are.</summary>
    public const int KnownAlgorithms = 0xF;

    /// <summary>A record is at most this long, in bytes; the longest known is 14.</summary>
    public const int MaxRecordSize = 256;

    /// <summary>z_erofs_lz4_cfgs.max_distance: in bytes; 0 means 65535.</summary>
    public ushort Lz4MaxDistance { get; init; }

    /// <summary>z_erofs_lz4_cfgs.max_pclusterblks: the largest cluster, in blocks.</summary>
    public ushort Lz4MaxClusterBlocks { get; init; }

    /// <summary>z_erofs_lzma_cfgs.dict_size: in bytes.</summary>
    public uint LzmaDictionarySize { get; init; }

    /// <summary>z_erofs_lzma_cfgs.format, z_erofs_zstd_cfgs.format: 0, no other is known.</summary>
    public ushort Format { get; init; }

    /// <summary>z_erofs_deflate_cfgs.windowbits: 8 to 15.</summary>
    public byte DeflateWindowBits { get; init; }

    /// <summary>z_erofs_zstd_cfgs.windowlog: the window's binary logarithm, less 10.</summary>
    public byte ZstdWindowLog { get; init; }

    private static ReadOnlySpan<byte> RecordSizes => [14, 14, 6, 6];

    /// <summary>
    /// Takes in one codec's record, as it stands in the image; shorter records than known are refused by returning false.
    /// </summary>
    public bool TryAdd(int codec, ReadOnlySpan<byte> record, out CompressionConfigs result)
    {
        result = this;
        if (record.Length < RecordSizes[codec])
            return false;
        result = codec switch
        {
            0 => this with
            {
                Lz4MaxDistance = BinaryPrimitives.ReadUInt16LittleEndian(record),
                Lz4MaxClusterBlocks = BinaryPrimitives.ReadUInt16LittleEndian(record[2..]),
            },
            1 => this with
            {
                LzmaDictionarySize = BinaryPrimitives.ReadUInt32LittleEndian(record),
                Format = BinaryPrimitives.ReadUInt16LittleEndian(record[4..]),
            },
            2 => this with { DeflateWindowBits = record[0] },
            _ => this with { ZstdWindowLog = record[1], Format = record[0] },
        };
        return true;
    }

    /// <summary>
    /// What is wrong with a codec's limits, or null: no kernel mounts an image whose limits are beyond its own
    /// (<c>z_erofs_load_*_config</c>).
    /// </summary>
    public string? FaultOf(int codec, int blockSize) => codec switch
    {
        0 when Lz4MaxClusterBlocks > MaxLz4ClusterBlocks =>
            $"LZ4 clusters of up to {Lz4MaxClusterBlocks} blocks are above {MaxLz4ClusterBlocks} blocks",
        0 when (long)Lz4MaxClusterBlocks * blockSize > MaxClusterSize =>
            $"LZ4 clusters of up to {Lz4MaxClusterBlocks} blocks are above {MaxClusterSize} bytes",
        1 or 3 when Format != 0 => $"format {Format} of codec {codec} is not known",
        1 when LzmaDictionarySize is < MinLzmaDictionary or > MaxLzmaDictionary =>
            $"an LZMA dictionary of {LzmaDictionarySize} bytes is not between {MinLzmaDictionary} and {MaxLzmaDictionary}",
        2 when DeflateWindowBits > MaxDeflateWindowBits =>
            $"a DEFLATE window of 2^{DeflateWindowBits} bytes is above 2^{MaxDeflateWindowBits}",
        3 when ZstdWindowLog > MaxZstdWindowLog =>
            $"a Zstandard window of 2^{ZstdWindowLog + 10} bytes is above 2^{MaxZstdWindowLog + 10}",
        _ => null,
    };

    /// <summary>
    /// Kernels compare the count before they know the block size, with that of blocks as large as their pages
    /// (<c>z_erofs_load_lz4_config</c>).
    /// </summary>
    public const int MaxLz4ClusterBlocks = 256;

    private const int MaxClusterSize = 1 << 20, MinLzmaDictionary = 4096, MaxLzmaDictionary = 8 << 20;
    private const int MaxDeflateWindowBits = 15, MaxZstdWindowLog = 10;

    /// <summary>The size of all records together, in bytes.</summary>
    public int Size
    {
        get
        {
            int size = 0;
            for (int codec = 0; codec < RecordSizes.Length; codec++)
            {
                if ((Algorithms & (1 << codec)) != 0)
                    size += 2 + RecordSizes[codec];
            }
            return size;
        }
    }

    /// <summary>Writes the records behind one another; <see cref="Size"/> bytes.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        for (int codec = 0; codec < RecordSizes.Length; codec++)
        {
            if ((Algorithms & (1 << codec)) == 0)
                continue;
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, RecordSizes[codec]);
            Span<byte> record = bytes.Slice(2, RecordSizes[codec]);
            switch (codec)
            {
                case 0:
                    BinaryPrimitives.WriteUInt16LittleEndian(record, Lz4MaxDistance);
                    BinaryPrimitives.WriteUInt16LittleEndian(record[2..], Lz4MaxClusterBlocks);
                    break;
                case 1:
                    BinaryPrimitives.WriteUInt32LittleEndian(record, LzmaDictionarySize);
                    break;
                case 2:
                    record[0] = DeflateWindowBits;
                    break;
                default:
                    record[1] = ZstdWindowLog;
                    break;
            }
            bytes = bytes[(2 + RecordSizes[codec])..];
        }
    }
}
