using Lamina.Archives;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>Makes a layer of whatever a file is: found from its bytes, never from its name.</summary>
public static class LayerOpener
{
    /// <summary>
    /// Between an image and the devices it needs, in <c>IMAGE@DEVICE@DEVICE</c>. A name that has one itself is written with two.
    /// </summary>
    public const char DeviceSeparator = '@';

    private const string Doubled = "@@", StandardInput = "-";

    /// <summary>Opens a layer.</summary>
    /// <param name="specification">A path, with the paths of its devices behind <c>@</c>; a file of that whole name goes
    /// first. <c>-</c> is standard input.</param>
    /// <param name="options">How it becomes a layer.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CorruptImageException">It contradicts itself.</exception>
    /// <exception cref="UnsupportedImageException">It is of no kind that can be a layer, stands for several, or has features
    /// that are not known.</exception>
    public static Layer Open(string specification, LayerOptions? options = null) =>
        RefuseArchive(OpenAny(specification, options ?? new LayerOptions()));

    /// <summary>Opens a layer.</summary>
    /// <param name="specification">As above.</param>
    /// <param name="rules">How it marks what it hides.</param>
    public static Layer Open(string specification, WhiteoutRules rules) =>
        Open(specification, new LayerOptions { Rules = rules });

    /// <summary>Opens a layer, which may turn out to be an archive of several.</summary>
    internal static Layer OpenAny(string specification, LayerOptions options)
    {
        string[] paths = Split(specification);
        if (paths is [{ } only] && HostFile.IsDirectory(only))
            return DirectoryLayer.Open(only, options);
        List<ByteSource> opened = [];
        try
        {
            foreach (string path in paths)
                opened.Add(OpenFile(path, options.SpoolBeside));
            return OpenAny(opened[0], [.. opened[1..]], options);
        }
        catch
        {
            foreach (ByteSource source in opened)
                source.Dispose();
            throw;
        }
    }

    /// <summary>Whether a file is a tar, or compressed and so perhaps one. A pipe is not asked: it can be read once.</summary>
    internal static bool MayBeArchive(string path)
    {
        if (FileStatus.Find(path) is not { Type: FileStatus.RegularFile })
            return false;
        using ByteSource source = ByteSource.OpenFile(path);
        return TarLayer.IsTar(source) || !ErofsImage.IsErofs(source) && Packed.KindAt(source, 0) is not null;
    }

    /// <summary>Opens an archive, compressed or not, for the files in it.</summary>
    internal static Layer OpenArchive(string path, LayerOptions options)
    {
        ByteSource source = OpenFile(path, options.SpoolBeside);
        try
        {
            source = TarLayer.IsTar(source) ? source : Unpacking.Unpack(source, options);
            return TarLayer.IsTar(source) ? TarLayer.Open(source, WhiteoutRules.Overlay)
                : throw new UnsupportedImageException(path, $"is {Describe(source)}, not a tar");
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private static Layer RefuseArchive(Layer layer)
    {
        if (!layer.IsImageArchive)
            return layer;
        layer.Dispose();
        throw new UnsupportedImageException(layer.Name,
            "is an archive of a container image, which holds layers and is none itself",
            "Merge it, or say --rules overlay if these are a layer's own files.");
    }

    /// <summary>Splits a specification into the image and its devices; a file of that whole name goes first.</summary>
    public static string[] Split(string specification)
    {
        const char kept = '\0';                                         // which no name has
        return HostFile.Exists(specification) || HostFile.IsDirectory(specification) ? [specification]
            : [.. specification.Replace(Doubled, kept.ToString()).Split(DeviceSeparator)
                .Select(part => part.Replace(kept, DeviceSeparator))];
    }

    /// <summary>The specification of an image with devices, whatever their names are.</summary>
    public static string Join(string image, params IEnumerable<string> devices)
    {
        string[] parts = [image, .. devices];
        return parts.Length == 1 ? image
            : string.Join(DeviceSeparator, parts.Select(part => part.Replace(DeviceSeparator.ToString(), Doubled)));
    }

    private static ByteSource OpenFile(string path, string? spoolBeside) =>
        ByteSource.OpenFile(path == StandardInput ? "/dev/stdin" : path, spoolBeside);

    /// <summary>Makes a layer of an open source, which it owns from now on.</summary>
    /// <param name="source">The image or tar: a file, or a part of one.</param>
    /// <param name="devices">Its devices, in the order of its device table.</param>
    /// <param name="options">How it becomes a layer.</param>
    /// <exception cref="CorruptImageException">It contradicts itself.</exception>
    /// <exception cref="UnsupportedImageException">It is of no kind that can be a layer, or has features that are not
    /// known.</exception>
    public static Layer Open(ByteSource source, ByteSource[] devices, LayerOptions? options = null) =>
        RefuseArchive(OpenAny(source, devices, options ?? new LayerOptions()));

    /// <summary>Makes a layer of an open source, which may turn out to be an archive of several.</summary>
    internal static Layer OpenAny(ByteSource source, ByteSource[] devices, LayerOptions options)
    {
        if (!Unpacking.IsSupported || TarLayer.IsTar(source) || ErofsImage.IsErofs(source))
            return OpenPlain(source, devices, options);
        if (devices.Length == 0 && CpioLayer.IsCpio(source))
            return CpioLayer.Open(source, options);
        ByteSource plain = Unpacking.Unpack(source, options);
        if (plain == source)
            return OpenPlain(source, devices, options);
        try
        {
            return OpenPlain(plain, devices, options);
        }
        catch
        {
            plain.Dispose();
            throw;
        }
    }

    private static Layer OpenPlain(ByteSource source, ByteSource[] devices, LayerOptions options)
    {
        source = DiskPartitions.ImageOf(source);
        if (ErofsImage.IsErofs(source))
        {
            Layer layer = ErofsLayer.Open(ErofsImage.Open(source, devices));
            return options.Rules == WhiteoutRules.Cpio ? layer.With(WhiteoutRules.Cpio) : layer;
        }
        if (devices.Length > 0)
            throw new UnsupportedImageException(source.Name, $"{devices.Length} devices for what is not an EROFS image");
        if (TarLayer.IsEmpty(source) || TarLayer.IsTar(source))
            return TarLayer.Open(source, options);
        throw new UnsupportedImageException(source.Name, $"is {Describe(source)}, not an EROFS image or a tar", Advise(source));
    }

    private static (byte[] Magic, string Kind, Func<string, string> Advice)[] Known { get; } =
    [
        ([0x1F, 0x9D], "compressed with compress", name => Packed.AdviceOf("uncompress -c", name)),
        ([0x89, .. "LZO"u8], "compressed with lzop", name => Packed.AdviceOf("lzop -dc", name)),
        ([.. "LZIP"u8], "compressed with lzip", name => Packed.AdviceOf("lzip -dc", name)),
        ([.. "hsqs"u8], "a squashfs image", name =>
            $"Unpack it, and build of that: unsquashfs -d DIR {ShellText.Quote(name)} && lamina build DIR -o OUT"),
        ([0xC7, 0x71], "a cpio archive of the old binary form", Convert),
        ([0x71, 0xC7], "a cpio archive of the old binary form", Convert),
        ([.. "PK"u8], "a zip archive", Convert),
    ];

    private static string Convert(string name) =>
        $"Make a tar of it: bsdtar -cf {ShellText.Quote($"{Path.GetFileNameWithoutExtension(name)}.tar")} " +
        $"{ShellText.Quote($"@{name}")}";

    private static (string Kind, string? Advice) Look(ByteSource source)
    {
        Span<byte> head = stackalloc byte[8];
        int count = source.Read(0, head);
        foreach ((byte[] magic, string kind, Func<string, string> advice) in Known)
        {
            if (head[..count].StartsWith(magic))
                return (kind, advice(source.Name));
        }
        return (count == 0 ? "empty" : "of no kind that is known", null);
    }

    /// <summary>Refuses what is no EROFS image, and says what it is; the one text for that wherever an image is needed.</summary>
    internal static void RequireImage(ByteSource source)
    {
        if (ErofsImage.IsErofs(source) || DiskPartitions.FindImage(source) is not null)
            return;
        string name = ShellText.Quote(source.Name);
        (string kind, string? advice) = Packed.KindAt(source, 0) is { } packed
            ? ($"compressed with {packed}", Packed.AdviceFor(packed, source.Name))
            : TarLayer.IsTar(source) ? ("a tar", $"Make an image of it: lamina build {name} -o IMAGE")
            : CpioLayer.IsCpio(source) ? ("a cpio archive", $"Make an image of it: lamina build {name} -o IMAGE")
            : Look(source);
        throw new UnsupportedImageException(source.Name, $"is {kind}, not an EROFS image", advice);
    }

    private static string Describe(ByteSource source) => Look(source).Kind;

    private static string? Advise(ByteSource source) => Look(source).Advice;
}
