using Lamina.Tree;

namespace Lamina.Reading;

/// <content>Opening by path, and the way from paths in the image to entries.</content>
internal sealed partial class ErofsImage
{
    /// <summary>The root directory; the files below it are read when they are asked for.</summary>
    /// <exception cref="CorruptImageException">Its inode contradicts itself, or is not a directory.</exception>
    public Node Root => _tree.Value.Root;

    /// <summary>Opens an image file with the devices it needs, in the device table's order.</summary>
    /// <param name="path">The image, or a disk with one in a partition.</param>
    /// <param name="devices">Its devices; none if it has none, or if they lie in the image file itself.</param>
    /// <exception cref="FileNotFoundException">One of the files is not there.</exception>
    /// <exception cref="CorruptImageException">The superblock contradicts itself or the file.</exception>
    /// <exception cref="UnsupportedImageException">The image has features that are not known, or lacks devices.</exception>
    public static ErofsImage Open(string path, params string[] devices)
    {
        ByteSource source = ByteSource.OpenFile(path);
        try
        {
            return Open(source, (IReadOnlyList<string>)devices);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Opens a source that may be a disk, with devices by their paths; it is not disposed if that fails.</summary>
    internal static ErofsImage Open(ByteSource source, IReadOnlyList<string> devices)
    {
        List<ByteSource> opened = [];
        try
        {
            source = DiskPartitions.ImageOf(source);
            foreach (string device in devices)
                opened.Add(ByteSource.OpenFile(device));
            return Open(source, [.. opened]);
        }
        catch
        {
            opened.ForEach(device => device.Dispose());
            throw;
        }
    }

    /// <summary>The inode of a path; links are not followed.</summary>
    /// <param name="path">Names with slashes between them, from the root.</param>
    /// <exception cref="CorruptImageException">A directory on the way contradicts itself.</exception>
    internal Inode? FindInode(ReadOnlySpan<byte> path)
    {
        Inode inode = ReadInode(SuperBlock.RootNid);
        foreach (Range range in path.Split((byte)'/'))
        {
            if (path[range].IsEmpty)
                continue;
            if (inode.Type != NodeType.Directory || DirectoryReader.Find(this, inode, path[range]) is not { } item)
                return null;
            inode = ReadInode(item.Nid);
        }
        return inode;
    }
}
