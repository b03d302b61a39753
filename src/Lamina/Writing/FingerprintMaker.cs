using Lamina.Format;
using Lamina.Platform;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Writing;

/// <summary>
/// Gives every file with data an attribute with its fingerprint, by which kernels keep the data of equal files in memory once
/// (Linux 7.0, <c>inode_share</c>).
/// </summary>
internal static class FingerprintMaker
{
    /// <summary>Reads all files, several at a time, and sets their attributes.</summary>
    /// <param name="inodes">The inodes of the output.</param>
    /// <param name="name">The attribute.</param>
    /// <param name="kernel">What the output may use.</param>
    /// <param name="work">With how many threads, and what stops it.</param>
    /// <exception cref="ArgumentException">Kernels that must read the output do not know such names.</exception>
    public static PageSharing Make(
        IReadOnlyList<PlannedInode> inodes, ReadOnlyMemory<byte> name, KernelProfile kernel, WorkOptions work)
    {
        if (kernel.Version < KernelProfile.NamePrefixes)
        {
            throw new ArgumentException($"an image that names its fingerprints is refused by Linux {kernel.Version}, and read " +
                $"from {KernelProfile.NamePrefixes} on");
        }
        PlannedInode[] files = [.. inodes.Where(inode => inode.FileContent is { Size: > 0 })];
        Workers.ForEach(work.ThreadCount, files.Length, () => 0, (_, index) =>
        {
            work.Cancellation.ThrowIfCancellationRequested();
            PlannedInode inode = files[index];
            inode.Node = inode.Node.With(Marked(inode.Node.Xattrs, name, Fingerprint.Of(inode.FileContent!)), inode.Node.Payload);
        }, work.Cancellation);
        return new PageSharing { Attribute = name };
    }

    /// <summary>A name of a namespace that EROFS knows is an attribute like any; another is seen by the kernel alone.</summary>
    private static XattrSet Marked(XattrSet set, ReadOnlyMemory<byte> name, byte[] fingerprint)
    {
        IEnumerable<Xattr> others = set.Items.ToArray().Where(item => !item.Name.Span.SequenceEqual(name.Span));
        return XattrNames.TrySplit(name.Span, out _, out _)
            ? XattrSet.Create([.. others, new Xattr(name, fingerprint)])
            : XattrSet.Create(others, fingerprint);
    }
}
