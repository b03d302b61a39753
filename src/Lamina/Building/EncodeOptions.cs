using Lamina.Compression;

namespace Lamina.Building;

/// <summary>Which data goes into the packed file, where it shares clusters with that of other files.</summary>
internal enum FragmentUse
{
    /// <summary>None: each file has clusters of its own, and a small end stands with the inode.</summary>
    None,

    /// <summary>What does not fill a cluster: ends of files, and files of less than half a cluster.</summary>
    Tails,

    /// <summary>Besides, whole files of up to twice the size of a cluster.</summary>
    All,
}

/// <summary>How data is encoded.</summary>
internal sealed record EncodeOptions
{
    /// <summary>The codec; null to store data as it is.</summary>
    public Codec? Codec { get; init; }

    /// <summary>The codec's level; null for its usual one.</summary>
    public int? Level { get; init; }

    /// <summary>The largest physical cluster, in bytes: a power of two, 4096 to 1 MiB.</summary>
    public int ClusterSize { get; init; } = 64 << 10;

    /// <summary>What goes into the packed file.</summary>
    public FragmentUse Fragments { get; init; } = FragmentUse.All;

    /// <summary>Whether a small end of a file may stand with its inode.</summary>
    public bool HasInlineTails { get; init; } = true;

    /// <summary>
    /// Whether clusters lie at any byte (encoded extents, Linux 6.15) instead of filling whole blocks; null to choose by the
    /// kernel.
    /// </summary>
    public bool? IsPacked { get; init; }

    /// <summary>Whether data that is encoded already is encoded anew.</summary>
    public bool EncodesAll { get; init; }

    /// <summary>
    /// Whether equal runs of large files are stored once. Clusters then end where the content says so, not where they are full.
    /// </summary>
    public bool Dedupes { get; init; }

    /// <summary>Files that are encoded in another way; of several that suit a file the first counts.</summary>
    public IReadOnlyList<EncodeHint> Hints { get; init; } = [];

    /// <summary>
    /// Paths from the root, without a slash in front, whose data comes first, in this order: what is read first lies together
    /// then.
    /// </summary>
    public IReadOnlyList<byte[]> First { get; init; } = [];

    /// <summary>The level in numbers.</summary>
    public int LevelOrUsual => Level ?? (Codec is { } codec ? ClusterEncoders.LevelsOf(codec).Usual : 0);
}

/// <summary>The shape of what is encoded, for one output.</summary>
/// <param name="Options">What was asked for.</param>
/// <param name="BlockSize">The block size of the output, in bytes.</param>
/// <param name="IsPacked">Whether clusters lie at any byte.</param>
internal sealed record EncodeShape(EncodeOptions Options, int BlockSize, bool IsPacked)
{
    /// <summary>
    /// The file data of one cluster that lies at any byte: twice the largest cluster, about what fills one. More gains little and
    /// makes small reads slow.
    /// </summary>
    public int ChunkSize => Math.Min(2 * Options.ClusterSize, MaxPlain / 2);

    /// <summary>The file data of one cluster at most: the last one of a file takes a small rest along.</summary>
    public int MaxCluster => 2 * ChunkSize;

    /// <summary>
    /// The usual size of runs that are compared, in bytes; of whole blocks larger, as each ends with a part of one.
    /// </summary>
    public int RunSize => IsPacked ? ChunkSize : 4 * ChunkSize;

    /// <summary>The largest plain extent (<c>Z_EROFS_PCLUSTER_MAX_SIZE</c>), in bytes.</summary>
    public const int MaxPlain = 1 << 20;

    /// <summary>
    /// Bytes of a file that are encoded in one go. Clusters do not cross from one part to the next, which costs less than one
    /// block in a thousand.
    /// </summary>
    public const int PartSize = 4 << 20;

    /// <summary>The largest file that goes into the packed file as a whole, in bytes.</summary>
    public int MaxWholeFragment => Options.Codec is null ? 0 : Options.Fragments switch
    {
        FragmentUse.All => ChunkSize,
        FragmentUse.Tails => Options.ClusterSize / 2,
        _ => 0,
    };

    /// <summary>How far back data may refer, in bytes.</summary>
    public int Window => Options.Codec is { } codec
        ? ClusterEncoders.WindowOf(codec, IsPacked ? MaxCluster / 8 : Options.ClusterSize) : 0;

    /// <summary>An encoder for one thread. There must be a codec.</summary>
    public IClusterEncoder CreateEncoder() =>
        ClusterEncoders.Create(Options.Codec!.Value, Options.LevelOrUsual, Window, BlockSize);
}
