using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>
/// A VMDK descriptor with flat extents: it shows header, originals and metadata as one disk, though they are separate files.
/// Virtual machines take it as it is; no data is copied.
/// </summary>
internal static class VmdkDescriptor
{
    private const int SectorSize = 512;

    /// <summary>Extents stay below 2 GiB, as several programs keep extent sizes in 32 bits.</summary>
    private const long MaxExtent = (2L << 30) - (64 << 10);

    /// <summary>A stretch of the disk: an original, or what lies in front of one or behind the last.</summary>
    /// <param name="Start">Its first byte in the disk.</param>
    /// <param name="End">The byte behind it.</param>
    /// <param name="Original">The original.</param>
    /// <param name="InFile">Where the image file has it, if it is no original.</param>
    private readonly record struct Part(long Start, long End, Original? Original, long InFile);

    /// <summary>
    /// The file that goes with the descriptor: all that is no original. Behind its header is a page of zeros, which pads
    /// originals to whole pages in the disk.
    /// </summary>
    public static ImageLayout FileOf(ImageLayout disk)
    {
        List<Segment> body = [];
        long length = 0;
        foreach (Part part in PartsOf(disk).Where(part => part.Original is null))
        {
            body.AddRange(disk.Body.Where(segment => segment.Address >= part.Start && segment.Address < part.End)
                .Select(segment => segment with { Address = segment.Address - part.Start + part.InFile }));
            length = part.InFile + part.End - part.Start;
        }
        return new ImageLayout { Length = length, Body = body, Header = disk.Header };
    }

    /// <summary>Writes the descriptor.</summary>
    /// <param name="output">Where the descriptor goes; what is written is not committed here.</param>
    /// <param name="path">Its name.</param>
    /// <param name="image">The file that <see cref="FileOf"/> describes.</param>
    /// <param name="disk">The image as a whole.</param>
    public static void Write(OutputFile output, string path, string image, ImageLayout disk)
    {
        string full = HostFile.FullPath(path);
        List<string> extents = [];
        long sectors = 0;
        Add(image, 0, HeaderWriter.PageSize);
        foreach (Part part in PartsOf(disk))
        {
            if (part.Original is not { } original)
            {
                Add(image, part.InFile, part.End - part.Start);
                continue;
            }
            if (original.Length % SectorSize != 0)
            {
                throw new UnsupportedImageException(original.Name,
                    $"{original.Length} bytes are not whole sectors, as a disk needs them",
                    "Merge without --vmdk.");
            }
            Add(original.Name, 0, original.Length);
            // There is an extent type ZERO, but qemu skips it silently; zeros are in the image file for the purpose.
            if (ToPage(part.End) > part.End)
                Add(image, HeaderWriter.PageSize, ToPage(part.End) - part.End);
        }

        string text = string.Join('\n',
        [
            "# Disk DescriptorFile", "version=1", "CID=fffffffe", "parentCID=ffffffff", "createType=\"twoGbMaxExtentFlat\"", "",
            "# Extent description", .. extents, "", "# The Disk Data Base", "#DDB", "",
            "ddb.virtualHWVersion = \"4\"", $"ddb.geometry.cylinders = \"{Math.Min(sectors / (16 * 63) + 1, 16383)}\"",
            "ddb.geometry.heads = \"16\"", "ddb.geometry.sectors = \"63\"", "ddb.adapterType = \"ide\"", "",
        ]);
        output.Write(PathBytes.Encode(text), 0);

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

    private static IEnumerable<Part> PartsOf(ImageLayout disk)
    {
        long at = HeaderWriter.PageSize, inFile = 2 * HeaderWriter.PageSize;
        foreach (Segment segment in disk.Body)
        {
            if (segment.Whole is null)
                continue;
            if (segment.Address > at)
            {
                yield return new Part(at, segment.Address, null, inFile);
                inFile += segment.Address - at;
            }
            yield return new Part(segment.Address, segment.End, segment.Whole, 0);
            at = ToPage(segment.End);
        }
        yield return new Part(at, disk.Length, null, inFile);
    }

    private static long ToPage(long position) => (position + HeaderWriter.PageSize - 1) & ~(HeaderWriter.PageSize - 1L);

    /// <summary>
    /// The path as the descriptor needs it: relative to its folder where that is shorter. A quote cannot be said in the
    /// format.
    /// </summary>
    private static string Quote(string file, string descriptor)
    {
        string full = HostFile.FullPath(file);
        if (full.AsSpan().IndexOfAny('"', '\n', '\r') >= 0)
            throw new UnsupportedImageException(file,
                "a path with a quote or a line break, which a VMDK descriptor cannot hold", "Rename the file.");
        string relative = Path.GetRelativePath(Path.GetDirectoryName(descriptor)!, full);
        return relative.StartsWith("..", StringComparison.Ordinal) ? full : relative;
    }
}
