using Lamina.Platform;
using Lamina.Trust;

namespace Lamina.Writing;

/// <summary>Writes a layout to a file or a device, with a dm-verity tree behind it where one is wanted.</summary>
/// <param name="layout">What to write.</param>
/// <param name="output">Where.</param>
/// <param name="path">The output's name, for messages.</param>
internal sealed class LayoutWriter(ImageLayout layout, ImageOutput output, string path)
{
    /// <summary>What may be an image's or a tree's beginning behind this image, on a device: it is cleared.</summary>
    private const int ClearedBehind = HeaderWriter.PageSize;

    /// <summary>
    /// Whether the header is being or was written: from then on an image that is appended to may be the new one.
    /// </summary>
    public bool HasBegunHeader { get; private set; }

    /// <summary>
    /// Writes all of it in the order of addresses, but for the header, which comes last. Where an image is appended to, all else
    /// is on the medium before.
    /// </summary>
    /// <param name="verity">How to make a tree; null for none.</param>
    /// <param name="threads">How many threads hash for it.</param>
    /// <returns>The tree that was made.</returns>
    public VerityInfo? Write(VerityOptions? verity = null, int threads = 1)
    {
        using TreeWriter? tree = verity is null || !Digests.IsSupported ? null
            : new TreeWriter(output, path, layout.Length, verity, layout.There, threads);
        if (layout.There > 0)
        {
            output.SetLength(layout.There);             // what an append that was cut off left behind is no padding
            output.Filled = layout.There;
        }
        output.SetLength(layout.Length + (tree?.Length ?? 0));
        foreach (Segment segment in layout.Body)
        {
            if (segment.Address >= layout.There)
                output.CopyFrom(segment.Source, segment.Offset, segment.Address, segment.Length);
        }
        output.FillTo(layout.Length);
        if (tree is null)
            output.ClearBehind(layout.Length, ClearedBehind);
        if (layout.Header is not { } last)
            return null;
        ReadOnlyMemory<byte> header = last.Source.Memory;
        VerityInfo? made = tree?.Finish(header);
        if (layout.There > 0)
            output.Flush();
        HasBegunHeader = true;
        output.Write(header.Span, 0);
        return made;
    }
}
