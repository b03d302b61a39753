using Lamina.Format;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Images;

/// <summary>The layers in a flat image, or beside an index, as Lamina recorded them.</summary>
internal static class RecordedLayers
{
    /// <summary>Opens the layers that an image was merged of, lowest first; null if they are not known, or not all of them
    /// are still there.</summary>
    /// <param name="image">The image, with its devices; it must stay open as long as they are.</param>
    /// <param name="options">By which rules they were merged.</param>
    /// <param name="userXattr">Whether marks of images are those of unprivileged overlays.</param>
    /// <param name="isIncomplete">Whether there is a record, but what the image shows is not what its layers make.</param>
    public static Layer[]? Open(Layer image, LayerOptions options, bool userXattr, out bool isIncomplete)
    {
        isIncomplete = false;
        if (image.Originals is not [{ Kind: OriginalKind.Erofs, Bytes: var bytes }, .. var devices])
            return null;
        SuperBlock superBlock = ErofsImage.ReadSuperBlock(bytes);
        LayerRecord? record = LayerRecordReader.Read(bytes, (long)superBlock.Blocks << superBlock.BlockBits);
        if (record is null || record.Originals.Length == 0)
            return null;
        List<Layer> layers = [];
        try
        {
            int device = 0;
            for (int at = 0, end; at < record.Originals.Length; at = end)
            {
                end = at + 1;
                while (end < record.Originals.Length && record.Originals[end].Layer == record.Originals[at].Layer)
                    end++;
                RecordedOriginal[] originals = record.Originals[at..end];
                ByteSource[] sources = [.. originals.Select(original => original.Start >= 0
                    ? ByteSource.Slice(bytes, NameOf(original), original.Start, original.Length)
                    : device < devices.Length && devices[device].Length >= original.Length
                        ? ByteSource.Slice(devices[device].Bytes, devices[device++].Name, 0, original.Length)
                        : throw new UnsupportedImageException(image.Name, $"{NameOf(original)} is not among its devices"))];
                layers.Add(LayerOpener.Open(sources[0], sources[1..], options with { IsUpper = layers.Count > 0 }));
            }
            // What was no original, such as a compressed tar, is in the image and in no record.
            isIncomplete = !AreSame(image.Root, Merger.Merge(layers, new MergeOptions { UserXattr = userXattr }));
            return isIncomplete ? null : [.. layers];
        }
        catch (Exception failure) when (failure is UnsupportedImageException or CorruptImageException)
        {
            // Without a layer that is not recorded another may make no sense: hard links of a tar go nowhere.
            isIncomplete = true;
            return null;
        }
    }

    private static string NameOf(RecordedOriginal original) => ShownText.Of(original.Name.Span);

    /// <summary>Whether two trees have the same names, and files of the same type, size, mode and time under them.</summary>
    private static bool AreSame(Node first, Node second)
    {
        Stack<Node> open = new([first, second]);
        while (open.TryPop(out Node? top))
        {
            Entry[] theirs = top.Listing.Read(), ours = open.Pop().Listing.Read();
            if (ours.Length != theirs.Length)
                return false;
            for (int i = 0; i < ours.Length; i++)
            {
                (Node one, Node other) = (ours[i].Node, theirs[i].Node);
                if (one.Mode != other.Mode || one.Size != other.Size || one.Modified != other.Modified
                    || !ours[i].Name.Span.SequenceEqual(theirs[i].Name.Span))
                    return false;
                if (!one.IsDirectory)
                    continue;
                open.Push(one);
                open.Push(other);
            }
        }
        return true;
    }
}
