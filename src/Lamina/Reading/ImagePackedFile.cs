using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>The packed file of an image: an ordinary inode, found through the superblock.</summary>
internal sealed class ImagePackedFile : PackedFile
{
    private readonly ErofsImage _image;
    private readonly ContentSource _bytes;

    public ImagePackedFile(ErofsImage image)
    {
        _image = image;
        Content = image.OpenContent(image.ReadInode(image.SuperBlock.PackedNid));
        _bytes = image.OpenSource(Content, $"{image.Name} (packed file)");
    }

    public override string Name => _image.Name;

    public override Content Content { get; }

    public override void Read(long offset, Span<byte> destination) => _bytes.ReadExactly(offset, destination);
}
