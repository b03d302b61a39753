using Lamina.Tree;

namespace Lamina.Building;

/// <summary>A file whose clusters were made for this output.</summary>
/// <param name="map">Its map.</param>
/// <param name="open">Opens it for reading.</param>
internal sealed class OwnContent(ClusterMap map, Func<string, ClusterMap, ContentSource> open) : EncodedContent
{
    /// <inheritdoc/>
    public override long Size => map.Size;

    /// <inheritdoc/>
    public override int BlockSize => map.BlockSize;

    /// <inheritdoc/>
    public override ClusterMap ReadMap() => map;

    /// <inheritdoc/>
    public override ContentSource Open(string name = "file") => open(name, map);
}

/// <summary>The packed file of the output's own: what is in it is encoded after all that refers to it.</summary>
internal sealed class OwnPackedFile : PackedFile
{
    private Content? _content;
    private ContentSource? _source;

    /// <inheritdoc/>
    public override string Name => "packed file";

    /// <inheritdoc/>
    public override Content Content => _content ?? throw new InvalidOperationException("the packed file is not there yet");

    /// <summary>Gives it its data.</summary>
    public void Fill(Content content) => _content = content;

    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> destination) =>
        (_source ??= Content.Open(Name)).ReadExactly(offset, destination);
}
