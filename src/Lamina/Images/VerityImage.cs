using Lamina.Platform;
using Lamina.Reading;
using Lamina.Trust;
using Lamina.Writing;

namespace Lamina.Images;

/// <summary>How <see cref="VerityImage.Format"/> makes a tree.</summary>
public sealed record VerityFormatOptions : WorkOptions
{
    /// <summary>Hash function, salt, block size.</summary>
    public VerityOptions Tree { get; init; } = new();

    /// <summary>A new file for the tree; null to put it behind the image, in the same file.</summary>
    public string? HashFile { get; init; }

    /// <summary>
    /// Whether an existing hash file, another tree that the image has, or bytes behind it that are no tree, may be replaced.
    /// </summary>
    public bool Overwrite { get; init; }

    /// <summary>
    /// Makes the signature of the root hash, which it is given; null for none. The package Lamina.Boot has one for PKCS#7.
    /// </summary>
    public Func<ReadOnlyMemory<byte>, byte[]>? Signer { get; init; }

    /// <summary>The file that the signature goes to; needed with <see cref="Signer"/>.</summary>
    public string? SignatureFile { get; init; }
}

/// <summary>
/// dm-verity trees of image files, as veritysetup makes and takes them. Of an EROFS image the data are the blocks that its
/// superblock counts; of any other file all of it.
/// </summary>
public static class VerityImage
{
    /// <summary>Makes a tree, behind the image or in a file of its own.</summary>
    /// <param name="image">The image: a file, or a block device with room for the tree.</param>
    /// <param name="options">How.</param>
    /// <returns>The tree with its root hash.</returns>
    /// <exception cref="ArgumentException">The options cannot be, or the image has no whole number of blocks.</exception>
    /// <exception cref="IOException">A file is missing, in the way, or the system refused.</exception>
    public static VerityInfo Format(string image, VerityFormatOptions? options = null)
    {
        options ??= new VerityFormatOptions();
        if (options.Signer is null != options.SignatureFile is null)
            throw new ArgumentException("a signature needs both a signer and a file to go to");
        InputFiles inputs = new InputFiles().Add(image).Add(options.HashFile);
        if (options is { SignatureFile: { } there, HashFile: { } hashes } && OutputPlace.AreSame(there, hashes))
            throw new ArgumentException($"{there}: the signature cannot be the tree as well");
        using OutputFile? signature = options.SignatureFile is null ? null
            : new(options.SignatureFile, options.Overwrite, inputs);
        VerityInfo info = options.HashFile is null ? FormatBehind(image, options)
            : FormatBeside(image, options.HashFile, options);
        if (signature is not null)
        {
            signature.Write(options.Signer!(info.RootHash), 0);
            signature.Commit();
        }
        return info;
    }

    /// <summary>
    /// The tree of an image, with the root hash that its top block has. Nothing else is read: this says what the file claims.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="hashFile">The file that has the tree; null for the image itself.</param>
    /// <param name="hashOffset">Where the superblock is in that file, in bytes; null for its start, or behind the image.</param>
    /// <returns>The tree; null if there is none behind the image, nor, of a disk, in a partition.</returns>
    /// <exception cref="CorruptImageException">What is there cannot be right.</exception>
    /// <exception cref="UnsupportedImageException">It asks for what is not known.</exception>
    public static VerityInfo? Find(string image, string? hashFile = null, long? hashOffset = null) =>
        FindPlace(image, hashFile, hashOffset)?.Tree;

    /// <summary>Does the same, and says whether the tree is in a partition of a disk, and the image in another.</summary>
    internal static (VerityInfo Tree, bool IsOnDisk)? FindPlace(string image, string? hashFile, long? hashOffset)
    {
        using ByteSource data = ByteSource.OpenFile(image);
        using ByteSource? beside = hashFile is null ? null : ByteSource.OpenFile(hashFile);
        if (hashFile is null && hashOffset is null && TreeSearch.FindPartition(data) is { } part)
        {
            VeritySuperBlock found = VerityTree.Read(part.Bytes, 0);
            ByteSource covered = DiskPartitions.ImageOf(data);
            return (new VerityInfo(found, VerityTree.RootOf(found, covered, part.Bytes, 0), part.Start), true);
        }
        return Locate(data, beside, hashOffset) is not { } tree ? null : (new VerityInfo(tree.SuperBlock,
            VerityTree.RootOf(tree.SuperBlock, data, beside ?? data, tree.Offset), tree.Offset), false);
    }

    /// <summary>Compares every block of an image with its tree, and the tree with a root hash.</summary>
    /// <param name="image">The image.</param>
    /// <param name="rootHash">The root hash that is trusted.</param>
    /// <param name="hashFile">The file that has the tree; null for the image itself.</param>
    /// <param name="hashOffset">Where the superblock is in that file, in bytes; null for its start, or behind the image.</param>
    /// <param name="work">Who is told, who stops it, how many threads.</param>
    /// <exception cref="CorruptImageException">There is no tree, or its superblock cannot be right.</exception>
    /// <exception cref="UnsupportedImageException">It asks for what is not known.</exception>
    public static VerityReport Verify(string image, ReadOnlySpan<byte> rootHash, string? hashFile = null, long? hashOffset = null,
        WorkOptions? work = null)
    {
        using ByteSource data = ByteSource.OpenFile(image);
        using ByteSource? beside = hashFile is null ? null : ByteSource.OpenFile(hashFile);
        (ByteSource part, ByteSource? tree) = PartsOf(data, beside, hashOffset, rootHash);
        return Verify(part, rootHash, tree, hashOffset, work);
    }

    /// <summary>Does what the other does with a source that is open.</summary>
    internal static VerityReport Verify(ByteSource data, ReadOnlySpan<byte> rootHash, ByteSource? beside, long? hashOffset,
        WorkOptions? work)
    {
        ByteSource hash = beside ?? data;
        // Where the tree is comes from the user, or from a search that the root hash decides: not from the image.
        (VeritySuperBlock tree, long offset) = beside is not null || hashOffset is not null
            ? (VerityTree.Read(hash, hashOffset ?? 0), hashOffset ?? 0)
            : TreeSearch.Find(data, rootHash) ?? FindAnother(data);
        VerityReport report = VerityCheck.Run(tree, data, hash, offset, rootHash.ToArray(), work);
        return report.IsSound && TreeCoverage.FindFault(tree, offset, data, hash, hashOffset is not null) is { } fault
            ? report with { Faults = [fault], FaultCount = 1 } : report;
    }

    /// <summary>A tree that is not the one asked for, to say what is wrong.</summary>
    private static (VeritySuperBlock SuperBlock, long Offset) FindAnother(ByteSource data) => AppendedTree.Find(data)
        ?? throw new CorruptImageException(data.Name, "there is no dm-verity tree behind the image", null, data.Length);

    /// <summary>
    /// The partitions with image and tree, if the source is a disk with both; else what was given. What the partition table says
    /// is not covered, and need not be: other partitions do not have the root hash.
    /// </summary>
    internal static (ByteSource Data, ByteSource? Hash) PartsOf(
        ByteSource data, ByteSource? beside, long? hashOffset, ReadOnlySpan<byte> rootHash)
    {
        if (beside is not null || hashOffset is not null || TreeSearch.FindPartition(data) is not { } tree ||
            DiskPartitions.FindImage(data) is not { } image)
            return (data, beside);
        // A tree over the whole disk may stand behind it.
        bool isCoveredWhole = TreeSearch.Find(data, rootHash) is { } found && found.Offset != tree.Start;
        return isCoveredWhole ? (data, null) : (image.Bytes, tree.Bytes);
    }

    private static (VeritySuperBlock SuperBlock, long Offset)? Locate(ByteSource data, ByteSource? beside, long? offset)
    {
        if (beside is null && offset is null)
            return AppendedTree.Find(data);
        return (VerityTree.Read(beside ?? data, offset ?? 0), offset ?? 0);
    }

    /// <summary>A tree over a whole disk covers no partition of it, and stands where its second partition table should.</summary>
    private static void RefuseDisk(ByteSource data, bool isMeant)
    {
        if (isMeant || DiskPartitions.FindImage(data) is not { } part)
            return;
        throw new UnsupportedImageException(data.Name,
            $"is a disk, and its image is in partition {part.Number}; a tree over the whole disk is not one of that image",
            $"Make one of the partition: lamina verity format --hash-file TREE $(losetup -rf --show -o {part.Start} " +
            $"--sizelimit {part.Bytes.Length} {ShellText.Quote(data.Name)}); or of the disk as it is with --force.");
    }

    private static VerityInfo FormatBeside(string image, string hashFile, VerityFormatOptions options)
    {
        using ByteSource data = ByteSource.OpenFile(image);
        FileLock.Take(data.Handle!, image, isShared: true);
        RefuseDisk(data, options.Overwrite);
        VeritySuperBlock planned = VerityTree.Plan(options.Tree, AppendedTree.DataEnd(data));
        using OutputFile output = new(hashFile, options.Overwrite, new InputFiles().Add(data), takesDevices: true);
        output.SetLength(planned.Length);
        VerityInfo info = VerityTree.Write(data, planned, output.WriteAside, options);
        output.Commit();
        return info;
    }

    private static VerityInfo FormatBehind(string image, VerityFormatOptions options)
    {
        options.Tree.Validate();
        using ChangedFile file = ChangedFile.Open(image);               // before anything is read
        using ByteSource data = ByteSource.OpenFile(image);
        RefuseDisk(data, options.Overwrite);
        long end = AppendedTree.DataEnd(data), start = AppendedTree.OffsetFor(end, options.Tree.BlockSize);
        VeritySuperBlock planned = VerityTree.Plan(options.Tree, start);
        (VeritySuperBlock SuperBlock, long Offset)? old = AppendedTree.Find(data);
        if (data.Length > start && old is null && file.Device is null && !options.Overwrite)
        {
            throw new IOException($"{image}: {data.Length - start} bytes behind the image (from byte {start} on) are no " +
                "dm-verity tree; --force replaces them");
        }
        if (file.Device is { } device && device.Length < start + planned.Length)
            throw new IOException($"{image}: image and tree take {start + planned.Length} bytes, the device has {device.Length}");
        using PaddedSource padded = new(data, end, start);
        VerityInfo info = old is null ? WriteNew(file, padded, planned, options)
            : Replace(file, padded, planned, old.Value, options);
        return info with { HashOffset = start };
    }

    /// <summary>Writes a tree where there is none: its superblock, which makes it one, after all else is on the medium.</summary>
    private static VerityInfo WriteNew(
        ChangedFile file, PaddedSource data, VeritySuperBlock planned, WorkOptions work)
    {
        using ImageOutput output = new(file.Handle, null, file.Device, file.Path);
        try
        {
            output.WriteAside(new byte[data.Length - data.End], data.End);
            VerityInfo info = VerityTree.Write(data, planned, (block, at) =>
            {
                if (at == 0)
                    output.Flush();
                output.WriteAside(block, data.Length + at);
            }, work);
            if (file.Device is null)
                output.SetLength(data.Length + planned.Length);
            output.Flush();
            return info;
        }
        catch when (file.Device is null)
        {
            output.SetLength(data.FullLength);
            throw;
        }
    }

    /// <summary>
    /// Makes a tree aside while the old one holds, and copies it over that one when it is complete; if the copying fails, the
    /// old one is put back. Only what ends the process in that moment leaves none, so the user is asked.
    /// </summary>
    private static VerityInfo Replace(ChangedFile file, PaddedSource data, VeritySuperBlock planned,
        (VeritySuperBlock SuperBlock, long Offset) old, VerityFormatOptions options)
    {
        string beside = file.Device is null ? file.Path : Path.Combine(Path.GetTempPath(), "tree");
        using OutputPlace aside = OutputPlace.OpenAside(beside);
        using ImageOutput made = new(aside.Handle, null, name: $"{beside}, the new tree beside it");
        using ImageOutput target = new(file.Handle, null, file.Device, file.Path);
        VerityInfo info = VerityTree.Write(data, planned, made.WriteAside, options);
        ByteSource tree = made.ReadBack("the new tree");
        bool isSame = old.Offset == data.Length && old.SuperBlock.Length == planned.Length
            && (file.Device is not null || data.FullLength == old.Offset + planned.Length)
            && DigestOf(tree, 0, planned.Length).SequenceEqual(DigestOf(data.Source, old.Offset, planned.Length));
        if (isSame)
            return info;
        if (!options.Overwrite)
        {
            throw new IOException($"{file.Path}: has a dm-verity tree already, and the new one is another; --force replaces " +
                "it, and with it the root hash. If the machine stops in that moment, the image is left without a tree.",
                Errno.Exists);
        }
        long keptAt = planned.Length, end = data.Length + planned.Length;
        made.CopyFrom(data.Source, data.End, keptAt, data.FullLength - data.End);
        try
        {
            target.Reserve(data.End, end - data.End);
            target.WriteAside(new byte[data.Length - data.End], data.End);
            target.CopyFrom(tree, planned.TreeOffset, data.Length + planned.TreeOffset, planned.Length - planned.TreeOffset);
            target.Flush();
            target.CopyFrom(tree, 0, data.Length, planned.TreeOffset);
            if (file.Device is null)
                target.SetLength(end);
            target.Flush();
            return info;
        }
        catch
        {
            target.CopyFrom(tree, keptAt, data.End, data.FullLength - data.End);
            if (file.Device is null)
                target.SetLength(data.FullLength);
            target.Flush();
            throw;
        }
    }

    private static byte[] DigestOf(ByteSource source, long offset, long length) =>
        ContentDigest.Compute(ByteSource.Slice(source, "tree", offset, length), length);

    /// <summary>An image with zeros behind it up to a whole block of its tree, whatever the file has there.</summary>
    private sealed class PaddedSource(ByteSource source, long end, long length) : ByteSource
    {
        public override string Name => source.Name;

        public override long Length => length;

        public ByteSource Source => source;

        /// <summary>Where the image ends.</summary>
        public long End => end;

        /// <summary>The length of the file.</summary>
        public long FullLength => source.Length;

        public override int Read(long offset, Span<byte> destination)
        {
            destination = destination[..(int)Math.Clamp(length - offset, 0, destination.Length)];
            int count = (int)Math.Clamp(end - offset, 0, destination.Length);
            if (count > 0)
                source.ReadExactly(offset, destination[..count]);
            destination[count..].Clear();
            return destination.Length;
        }
    }
}
