using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Describing;

/// <summary>A feature of the format that an image uses.</summary>
/// <param name="Name">What the kernel's header calls it; two names where one bit stands for two features.</param>
/// <param name="Linux">The first Linux version that has it; empty for a bit that is not known.</param>
/// <param name="IsRequired">Whether a kernel that does not know it refuses to mount.</param>
public sealed record ImageFeature(string Name, string Linux, bool IsRequired);

/// <summary>A codec that an image announces.</summary>
/// <param name="Name">Which: <c>lz4</c>, <c>lzma</c>, <c>deflate</c> or <c>zstd</c>.</param>
/// <param name="Linux">The first Linux version that can decode it.</param>
/// <param name="Limits">What a decoder must be ready for, in words.</param>
public sealed record ImageCodec(string Name, string Linux, string Limits);

/// <summary>A slot of the device table.</summary>
/// <param name="Tag">What the slot says of the device: Lamina's are the SHA-256 in hex digits. Without the zeros behind
/// it.</param>
/// <param name="Length">The device's size in bytes, whole blocks.</param>
/// <param name="UnifiedAddress">Its first byte in the address space of all devices; 0 for none.</param>
/// <param name="Path">The file given for it; null if none was.</param>
public sealed record ImageDevice(ReadOnlyMemory<byte> Tag, long Length, long UnifiedAddress, string? Path);

/// <summary>An original as the record says that Lamina leaves in its images.</summary>
/// <param name="Layer">The layer it belongs to, lowest 0.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Name">Its file name, as bytes.</param>
/// <param name="Start">Its first byte in the image; null if it is another file.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Digest">Its SHA-256; empty if it was not computed.</param>
public sealed record ImageOriginal(
    int Layer, OriginalKind Kind, ReadOnlyMemory<byte> Name, long? Start, long Length, ReadOnlyMemory<byte> Digest);

/// <summary>Files in an image, by type.</summary>
/// <param name="Directories">Directories, the root among them.</param>
/// <param name="RegularFiles">Regular files.</param>
/// <param name="SymbolicLinks">Symbolic links.</param>
/// <param name="Others">Devices, pipes and sockets.</param>
/// <param name="Names">Names, the root's not among them; more than files where there are hard links.</param>
/// <param name="Bytes">The sizes of all regular files together, each counted once.</param>
public sealed record ImageCounts(long Directories, long RegularFiles, long SymbolicLinks, long Others, long Names, long Bytes);

/// <summary>What a part of an image file is used for.</summary>
/// <param name="Use">The use, in words.</param>
/// <param name="Bytes">How many bytes.</param>
public sealed record ImageUse(string Use, long Bytes);

/// <summary>
/// What an EROFS image says of itself, and what is found in it: the answer to "what is this, and what does it need?".
/// </summary>
public sealed record ImageInfo
{
    /// <summary>The image, as it was named.</summary>
    public required string Name { get; init; }

    /// <summary>The length of the file in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>The block size in bytes.</summary>
    public required int BlockSize { get; init; }

    /// <summary>Blocks of the image file, as the superblock has them.</summary>
    public required long Blocks { get; init; }

    /// <summary>The UUID.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>The volume's name, as bytes; empty without.</summary>
    public required ReadOnlyMemory<byte> Label { get; init; }

    /// <summary>
    /// When the image was made, as it says: the epoch that times of compact inodes count from, and the build time behind it.
    /// </summary>
    public required Timestamp BuildTime { get; init; }

    /// <summary>Inodes, as the superblock has them.</summary>
    public required long InodeCount { get; init; }

    /// <summary>The number of the root's inode.</summary>
    public required ulong RootNid { get; init; }

    /// <summary>The number of the packed file's inode; 0 without.</summary>
    public required ulong PackedNid { get; init; }

    /// <summary>Where the metadata that inode numbers count from begins, in bytes.</summary>
    public required long MetadataStart { get; init; }

    /// <summary>The attribute with fingerprints of files, by which kernels share pages; empty without.</summary>
    public ReadOnlyMemory<byte> FingerprintName { get; init; }

    /// <summary>The features it uses.</summary>
    public required IReadOnlyList<ImageFeature> Features { get; init; }

    /// <summary>The codecs it announces.</summary>
    public required IReadOnlyList<ImageCodec> Codecs { get; init; }

    /// <summary>The oldest Linux version that has all it uses.</summary>
    public required Version Kernel { get; init; }

    /// <summary>The device table.</summary>
    public required IReadOnlyList<ImageDevice> Devices { get; init; }

    /// <summary>The record of what it was made of; null if Lamina did not make it.</summary>
    public IReadOnlyList<ImageOriginal>? Originals { get; init; }

    /// <summary>The lengths that the image had before each append, oldest first, in bytes.</summary>
    public IReadOnlyList<long> FormerLengths { get; init; } = [];

    /// <summary>The files in it.</summary>
    public required ImageCounts Counts { get; init; }

    /// <summary>
    /// What the bytes of the image file are used for; each is counted once, so they add up to <see cref="Length"/>.
    /// </summary>
    public required IReadOnlyList<ImageUse> Uses { get; init; }

    /// <summary>Reads all of it: every inode and directory, no file data.</summary>
    /// <param name="image">The image.</param>
    /// <param name="devices">Its devices, in order. May be left out where only the device table and metadata are of
    /// interest.</param>
    /// <exception cref="CorruptImageException">The image contradicts itself.</exception>
    /// <exception cref="UnsupportedImageException">The image has features that are not known.</exception>
    public static ImageInfo Read(string image, IReadOnlyList<string>? devices = null)
    {
        using ErofsImage opened = ImageInfoReader.Open(image, devices ?? []);
        return new ImageInfoReader(opened, devices ?? []).Read();
    }
}
