using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Describing;

/// <summary>
/// Explains every byte of an image as text, padding included, in the order of addresses: first the image file, then what is
/// within its metabox and packed file, then its devices. The same image gives the same text.
/// </summary>
internal sealed class ImageDumper
{
    private readonly ErofsImage _image;
    private readonly Dictionary<Original, RegionMap> _files = [];
    private readonly RegionMap _primary;
    private readonly List<RegionMap> _all = [];
    private readonly List<string> _faults = [];

    private ImageDumper(ErofsImage image)
    {
        _image = image;
        _primary = AddFile(image.Primary, "image");
    }

    /// <summary>Writes the dump of an image. What contradicts the format is noted at the end, and the rest explained.</summary>
    /// <param name="image">The image.</param>
    /// <param name="writer">Is written to as the dump goes on.</param>
    /// <param name="cancellation">Ends the dump early.</param>
    /// <returns>How many faults are noted at the end.</returns>
    public static int Dump(ErofsImage image, TextWriter writer, CancellationToken cancellation = default) =>
        new ImageDumper(image).Write(writer, cancellation);

    private int Write(TextWriter writer, CancellationToken cancellation)
    {
        RegionMap? metabox = null, packed = null;
        if (_image.SuperBlock.Has(IncompatibleFeatures.Metabox))
            Attempt("metabox", () => metabox = AddReader(_image.MetadataOf(ErofsImage.MetaboxBit), "metabox, decoded"));
        Attempt("packed file", () =>
        {
            if (_image.Packed is { } file)
                packed = AddReader(file.Content.Size, file.Read, "packed file, decoded");
        });
        Attempt("header", () => new HeaderDumper(_image, _primary, metabox, packed).Claim());
        for (int i = 0; i < _image.Devices.Length; i++)
            AddFile(_image.Devices[i], $"device {i + 1}");
        using InodeDumper inodes = new(
            _image, original => _files.GetValueOrDefault(original), _primary, metabox, packed, _faults.Add);
        Attempt("tree", inodes.ClaimTree);
        foreach (RegionMap map in _all)
            map.Explainer = inodes;
        bool isFirst = true;
        foreach (RegionMap map in _all)
        {
            if (!isFirst)
                writer.Write('\n');
            isFirst = false;
            map.WriteTo(writer, cancellation);
        }
        if (_faults.Count == 0)
            return 0;
        writer.Write("\nfaults:\n");
        foreach (string fault in _faults)
            writer.Write($"    {fault}\n");
        return _faults.Count;
    }

    private RegionMap AddFile(Original original, string title)
    {
        RegionMap map = new(title, original.Length, original.Bytes.ReadExactly);
        _files[original] = map;
        _all.Add(map);
        return map;
    }

    private RegionMap AddReader(MetadataReader reader, string title) =>
        AddReader(reader.Length, (position, destination) => reader.ReadExactly(position, destination), title);

    private RegionMap AddReader(long length, RegionMap.Reader read, string title)
    {
        RegionMap map = new(title, length, read);
        _all.Add(map);
        return map;
    }

    private void Attempt(string what, Action action)
    {
        try
        {
            action();
        }
        catch (CorruptImageException corrupt)
        {
            _faults.Add($"{what}: {corrupt.Message}");
        }
        catch (UnsupportedImageException unsupported)
        {
            _faults.Add($"{what}: {unsupported.Message}");
        }
    }
}
