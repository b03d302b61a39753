using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Tests.Generators;

/// <summary>Where in an image a structure stands, so that a test can change one field of it.</summary>
internal sealed class ImagePlaces
{
    private readonly ErofsImage _image;

    public ImagePlaces(byte[] bytes, byte[][] devices) => _image = ErofsImage.Open(ByteSource.FromMemory("places", bytes),
        [.. devices.Select(device => ByteSource.FromMemory("device", device))]);

    /// <summary>
    /// The first byte of a place, as tests name it: <c>superblock</c>, <c>configs</c>, <c>devices</c>, <c>shared</c>,
    /// <c>prefixes</c>,
    /// <c>packed</c> and <c>metabox</c> (inodes); or with a path behind a colon <c>inode</c>, <c>xattrs</c>, <c>chunks</c>,
    /// <c>map</c>,
    /// <c>index</c>, <c>directory</c>.
    /// </summary>
    public int Of(string place)
    {
        SuperBlock superBlock = _image.SuperBlock;
        string[] parts = place.Split(':');
        return checked((int)(parts[0] switch
        {
            "superblock" => SuperBlock.Offset,
            "configs" => SuperBlock.Offset + superBlock.Size,
            "devices" => superBlock.DeviceTableSlot * DeviceSlot.Size,
            "shared" => (long)superBlock.XattrBlockAddress << superBlock.BlockBits,
            "prefixes" => superBlock.XattrPrefixStart * 4L,
            "packed" => _image.ReadInode(superBlock.PackedNid).Position,
            "packedmap" => MapOf(_image.ReadInode(superBlock.PackedNid)),
            "metabox" => _image.ReadInode(superBlock.MetaboxNid).Position,
            "metaboxmap" => MapOf(_image.ReadInode(superBlock.MetaboxNid)),
            "inode" => Find(parts[1]).Position,
            "xattrs" => Find(parts[1]).Position + Find(parts[1]).Record.RecordSize,
            "chunks" => (Find(parts[1]).End + 7) & ~7L,
            "map" => MapOf(Find(parts[1])),
            "index" => MapOf(Find(parts[1])) + MapHeader.Size,
            "directory" => ((PlacedContent)_image.OpenContent(Find(parts[1]))).Extents[0].Offset,
            _ => throw new ArgumentException(place),
        }));
    }

    /// <summary>The number of a file's inode.</summary>
    public ulong NidOf(string path) => Find(path).Nid;

    private static long MapOf(in Inode inode) => (inode.End + 7) & ~7L;

    private Inode Find(string path)
    {
        Inode inode = _image.ReadInode(_image.SuperBlock.RootNid);
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            DirectoryItem item = DirectoryReader.Read(_image, inode).Single(item =>
                item.Name.Span.SequenceEqual(Grow.Bytes(name)));
            inode = _image.ReadInode(item.Nid);
        }
        return inode;
    }
}
