using Lamina.Compression;

namespace Lamina.Building;

/// <summary>How files of some paths are encoded; the first hint that suits a path counts.</summary>
/// <param name="Suits">Whether it is for a path from the root, without a slash in front.</param>
/// <param name="ClusterSize">The largest cluster, in bytes; 0 to store the file as it is.</param>
/// <param name="Codec">The codec; null for that of all files.</param>
/// <param name="Level">The codec's level; null for its usual one.</param>
internal sealed record EncodeHint(Func<byte[], bool> Suits, int ClusterSize, Codec? Codec = null, int? Level = null)
{
    /// <summary>The options for such files.</summary>
    public EncodeOptions Apply(EncodeOptions options) => options with
    {
        Codec = ClusterSize == 0 ? null : Codec ?? options.Codec,
        Level = ClusterSize == 0 || Codec is null ? options.Level : Level,
        ClusterSize = ClusterSize == 0 ? options.ClusterSize : ClusterSize,
    };
}
