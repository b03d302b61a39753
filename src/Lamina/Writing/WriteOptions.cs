using Lamina.Building;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Writing;

/// <summary>What becomes of the originals.</summary>
public enum OutputMode
{
    /// <summary>One file: header, the originals as they are, metadata. No device table; mounts from Linux 6.1 on.</summary>
    Flat,

    /// <summary>Metadata alone, with a device table; the kernel is given the originals with <c>device=</c>.</summary>
    Index,

    /// <summary>One file: the data that is referred to, copied; clusters as they are; metadata.</summary>
    Full,
}

/// <summary>How an image is written.</summary>
public sealed record WriteOptions : WorkOptions
{
    /// <summary>What becomes of the originals.</summary>
    public OutputMode Mode { get; init; } = OutputMode.Flat;

    /// <summary>What the output may use; null for Linux 6.12, or what the layers themselves need if that is newer.</summary>
    public KernelProfile? Kernel { get; init; }

    /// <summary>
    /// The block size in bytes, 512 to 4096; null to choose: 512 for uncompressed layers with a tar, else 4096.
    /// </summary>
    public int? BlockSize { get; init; }

    /// <summary>Whether the SHA-256 of every original is computed and recorded.</summary>
    public bool ComputeDigests { get; init; } = true;

    /// <summary>
    /// Put a dm-verity tree behind the image, computed while it is written, and let an index name its devices by what can be
    /// checked; null for none.
    /// </summary>
    public VerityOptions? Verity { get; init; }

    /// <summary>
    /// The image's volume name, by which a boot can find the disk it is on: up to 16 bytes of UTF-8. Null for none, or that of
    /// the image appended to.
    /// </summary>
    public string? Label { get; init; }

    /// <summary>How data is encoded that is not yet, in full mode; null to leave it as the layers have it.</summary>
    internal EncodeOptions? Encoding { get; init; }

    /// <summary>What is written otherwise than the layers have it; null for nothing.</summary>
    internal InodeChanges? Changes { get; init; }

    /// <summary>The image's UUID; null for one that is computed from what is in it.</summary>
    internal Guid? Uuid { get; init; }

    /// <summary>Whether the superblock goes without its checksum.</summary>
    internal bool OmitsChecksum { get; init; }

    /// <summary>When the image was made: the time that compact inodes have; null for the one that most files have.</summary>
    internal Timestamp? BuildTime { get; init; }

    /// <summary>
    /// Counts bytes that are written; where data is encoded that is what takes the time, and is counted instead, and where
    /// layers are only read for their digests these are.
    /// </summary>
    internal Action<long>? WritingCounter(Func<long> total) =>
        (Encoding is null && (Mode != OutputMode.Index || !ComputeDigests) ? this : this with { Progress = null }).Counter(total);

    /// <summary>Beside which file is kept what a stream cannot take yet; null for the folder of temporary files.</summary>
    internal string? SpoolBeside { get; init; }

    /// <summary>Whether the layers of an index go with it in an archive, so that they need not be files of their own.</summary>
    internal bool CarriesLayers { get; init; }

    /// <summary>Whether an existing output file may be replaced.</summary>
    public bool Overwrite { get; init; }

    /// <summary>
    /// With flat mode: leave the originals out of the file and describe the whole as a disk in this VMDK descriptor.
    /// </summary>
    public string? VmdkPath { get; init; }
}
