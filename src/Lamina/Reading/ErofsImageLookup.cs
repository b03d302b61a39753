using System.Text;
using Lamina.Tree;

namespace Lamina.Reading;

/// <content>Opening by path, and the way from paths in the image to entries.</content>
public sealed partial class ErofsImage
{
    /// <summary>
    /// How many symbolic links one look-up follows at most, as in the kernel (<c>MAXSYMLINKS</c>): more are a loop.
    /// </summary>
    private const int MaxLinks = 40;

    /// <summary>The root directory.</summary>
    /// <exception cref="CorruptImageException">Its inode contradicts itself, or is not a directory.</exception>
    public ErofsEntry Root
    {
        get
        {
            Inode inode = ReadInode(SuperBlock.RootNid);
            if (inode.Type != NodeType.Directory)
                throw Corrupt(inode, $"the root is not a directory (mode 0x{inode.Record.Mode:X4})");
            return new ErofsEntry(this, inode, default);
        }
    }

    /// <summary>The image's own identifier.</summary>
    public Guid Uuid => SuperBlock.Uuid;

    /// <summary>The volume's name; may be empty.</summary>
    public ReadOnlyMemory<byte> Label => SuperBlock.Label;

    /// <summary>How many further devices the image refers to.</summary>
    public int DeviceCount => Space.Slots.Length;

    /// <summary>Opens an image file with the devices it needs, in the device table's order.</summary>
    /// <param name="path">The image.</param>
    /// <param name="devices">Its devices; none if it has none, or if they lie in the image file itself.</param>
    /// <exception cref="FileNotFoundException">One of the files is not there.</exception>
    /// <exception cref="CorruptImageException">The superblock contradicts itself or the file.</exception>
    /// <exception cref="UnsupportedImageException">The image has features that are not known, or lacks devices.</exception>
    public static ErofsImage Open(string path, params string[] devices)
    {
        List<ByteSource> opened = [];
        try
        {
            opened.Add(ByteSource.OpenFile(path));
            foreach (string device in devices)
                opened.Add(ByteSource.OpenFile(device));
            return Open(opened[0], [.. opened[1..]]);
        }
        catch
        {
            foreach (ByteSource source in opened)
                source.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="Find(ReadOnlySpan{byte}, bool)"/>
    public ErofsEntry? Find(string path, bool followsLinks = false) => Find(Encoding.UTF8.GetBytes(path), followsLinks);

    /// <summary>Looks a path up; null if there is no such file.</summary>
    /// <param name="path">From the root, with or without a slash in front; empty for the root itself.</param>
    /// <param name="followsLinks">
    /// Whether symbolic links are followed, the last name's too; absolute targets begin at the image's root, never outside. If
    /// not, a link is found as itself, and nothing is found below one.
    /// </param>
    /// <exception cref="CorruptImageException">A directory on the way contradicts itself.</exception>
    /// <exception cref="IOException">More than 40 links were followed: they lead in a circle.</exception>
    public ErofsEntry? Find(ReadOnlySpan<byte> path, bool followsLinks = false)
    {
        List<ErofsEntry> way = [Root];
        int links = 0;
        return TryWalk(way, path, followsLinks, ref links) ? way[^1] : null;
    }

    /// <inheritdoc cref="GetEntry(ReadOnlySpan{byte}, bool)"/>
    public ErofsEntry GetEntry(string path, bool followsLinks = false) => GetEntry(Encoding.UTF8.GetBytes(path), followsLinks);

    /// <summary>Looks a path up that must be there; see <see cref="Find(ReadOnlySpan{byte}, bool)"/>.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public ErofsEntry GetEntry(ReadOnlySpan<byte> path, bool followsLinks = false)
    {
        if (Find(path, followsLinks) is { } entry)
            return entry;
        string shown = Encoding.UTF8.GetString(path);
        throw new FileNotFoundException($"{Name}: there is no {shown}", shown);
    }

    /// <summary>
    /// Goes on from the last entry of the way, name by name. The way is kept, as <c>..</c> leads back along it.
    /// </summary>
    private bool TryWalk(List<ErofsEntry> way, ReadOnlySpan<byte> path, bool followsLinks, ref int links)
    {
        while (true)
        {
            path = path.TrimStart((byte)'/');
            if (path.IsEmpty)
                return true;
            if (!way[^1].IsDirectory)
                return false;
            int end = path.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = end < 0 ? path : path[..end];
            path = end < 0 ? [] : path[end..];
            if (name.SequenceEqual("."u8))
                continue;
            if (name.SequenceEqual(".."u8))
            {
                if (way.Count > 1)
                    way.RemoveAt(way.Count - 1);
                continue;
            }
            if (way[^1].Find(name) is not { } entry)
                return false;
            if (!followsLinks || entry.Type != NodeType.SymbolicLink)
            {
                way.Add(entry);
                continue;
            }
            if (++links > MaxLinks)
                throw new IOException($"{Name}: more than {MaxLinks} symbolic links lead from one to another");
            byte[] target = entry.ReadTarget();
            if (target[0] == '/')
                way.RemoveRange(1, way.Count - 1);
            if (!TryWalk(way, target, followsLinks, ref links))
                return false;
        }
    }
}
