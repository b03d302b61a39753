using System.Text;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// A VMDK descriptor with flat extents: it shows header, originals and metadata as one disk, though they are separate files.
/// Virtual machines take it as it is; no data is copied.
/// </summary>
internal static class VmdkDescriptor
{
    /// <summary>
    /// Where the metadata is in the image file: behind the header and a page of zeros, which pads originals to whole pages.
    /// </summary>
    public const int MetadataAt = 2 * HeaderWriter.PageSize;

    private const int SectorSize = 512;

    /// <summary>Extents stay below 2 GiB, as several programs keep extent sizes in 32 bits.</summary>
    private const long MaxExtent = (2L << 30) - (64 << 10);

    /// <summary>Writes the descriptor.</summary>
    /// <param name="output">Where the descriptor goes; what is written is not committed here.</param>
    /// <param name="path">Its name.</param>
    /// <param name="image">The file with the header, and from <see cref="MetadataAt"/> on the metadata.</param>
    /// <param name="originals">What lies between the two.</param>
    /// <param name="metadataLength">The bytes behind the originals.</param>
    public static void Write(
        OutputFile output, string path, string image, IReadOnlyList<Original> originals, long metadataLength)
    {
        string full = Path.GetFullPath(path);
        List<string> extents = [];
        long sectors = 0;
        Add(image, 0, HeaderWriter.PageSize);
        foreach (Original original in originals)
        {
            if (original.Length % SectorSize != 0)
            {
                throw new UnsupportedImageException(original.Name,
                    $"{original.Length} bytes are not whole sectors, as a disk needs them",
                    "Merge without --vmdk.");
            }
            Add(original.Name, 0, original.Length);
            long padding = -original.Length & (ImageWriter.OriginalAlignment - 1);
            // There is an extent type ZERO, but qemu skips it silently; zeros are in the image file for the purpose.
            if (padding > 0)
                Add(image, HeaderWriter.PageSize, padding);
        }
        Add(image, MetadataAt, metadataLength);

        string text = string.Join('\n',
        [
            "# Disk DescriptorFile", "version=1", "CID=fffffffe", "parentCID=ffffffff", "createType=\"twoGbMaxExtentFlat\"", "",
            "# Extent description", .. extents, "", "# The Disk Data Base", "#DDB", "",
            "ddb.virtualHWVersion = \"4\"", $"ddb.geometry.cylinders = \"{Math.Min(sectors / (16 * 63) + 1, 16383)}\"",
            "ddb.geometry.heads = \"16\"", "ddb.geometry.sectors = \"63\"", "ddb.adapterType = \"ide\"", "",
        ]);
        output.Write(Encoding.UTF8.GetBytes(text), 0);

        void Add(string file, long offset, long length)
        {
            for (long done = 0; done < length; done += MaxExtent)
            {
                long part = Math.Min(length - done, MaxExtent);
                AddLine($"RW {part / SectorSize} FLAT \"{Quote(file, full)}\" {(offset + done) / SectorSize}", part);
            }
        }

        void AddLine(string line, long length)
        {
            extents.Add(line);
            sectors += length / SectorSize;
        }
    }

    /// <summary>
    /// The path as the descriptor needs it: relative to its folder where that is shorter. A quote cannot be said in the
    /// format.
    /// </summary>
    private static string Quote(string file, string descriptor)
    {
        string full = Path.GetFullPath(file);
        if (full.AsSpan().IndexOfAny('"', '\n', '\r') >= 0)
            throw new UnsupportedImageException(file,
                "a path with a quote or a line break, which a VMDK descriptor cannot hold", "Rename the file.");
        string relative = Path.GetRelativePath(Path.GetDirectoryName(descriptor)!, full);
        return relative.StartsWith("..", StringComparison.Ordinal) ? full : relative;
    }
}
