using System.Globalization;
using Lamina.Archives;
using Lamina.Format;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Boot;

/// <summary>
/// Merging while a machine starts: layers that are slices of an archive or files in memory, and an index of little size.
/// </summary>
internal static class BootIndex
{
    private static readonly Version s_firstToKeep = new(6, 6);

    /// <summary>Merges layers into an index. Nothing of them is read but metadata, and what an index cannot refer to.</summary>
    /// <param name="layers">The layers, lowest first. They stay open.</param>
    /// <param name="kernelRelease">The kernel that will mount it, as uname(1) calls it.</param>
    /// <param name="path">The file to write.</param>
    public static WriteResult Write(IReadOnlyList<ByteSource> layers, string kernelRelease, string path)
    {
        Layer[] opened = Open(layers);
        return ImageWriter.Write(Merger.Merge(opened), opened, path, new WriteOptions
        {
            Mode = OutputMode.Index,
            Kernel = ProfileOf(kernelRelease),
            ComputeDigests = false,
            Overwrite = true,
        });
    }

    /// <summary>Lays an index of layers out, to be written into something larger.</summary>
    internal static LayoutPlanner Lay(IReadOnlyList<ByteSource> layers, WriteOptions options)
    {
        Layer[] opened = Open(layers);
        return new LayoutPlanner(Merger.Merge(opened), opened, options);
    }

    /// <summary>Says whether layers can be merged for a kernel, by throwing what <see cref="Write"/> would throw.</summary>
    public static WriteResult Plan(IReadOnlyList<ByteSource> layers, KernelProfile? kernel)
    {
        Layer[] opened = Open(layers);
        return ImageWriter.Plan(Merger.Merge(opened), opened, BootFiles.Index,
            new WriteOptions { Mode = OutputMode.Index, Kernel = kernel, ComputeDigests = false });
    }

    /// <summary>Whether layers have a program that is started if the command line names none.</summary>
    internal static bool HaveInit(IReadOnlyList<ByteSource> layers) => RootPrograms.HasInit(Merger.Merge(Open(layers)));

    /// <summary>Opens a layer as a boot would, and so finds out whether it is one and whole.</summary>
    /// <exception cref="CorruptImageException">It is cut off, or contradicts itself.</exception>
    /// <exception cref="UnsupportedImageException">It is no layer, or not known.</exception>
    public static void Check(ByteSource layer)
    {
        if (DiskPartitions.FindImage(layer) is { } part)
        {
            throw new UnsupportedImageException(layer.Name, $"is a disk, and its image is in partition {part.Number}",
                "Make an image of that: lamina merge DISK -o IMAGE");
        }
        bool isPlain = ErofsImage.IsErofs(layer) || TarLayer.IsTar(layer);
        if (!isPlain && (Packed.KindAt(layer, 0) is not null || CpioReader.IsCpio(layer)))
        {
            throw new UnsupportedImageException(layer.Name,
                $"is {FileKind.Describe(layer)}; nothing is unpacked while a machine starts",
                $"Make an image of it: lamina merge {ShellText.Quote(layer.Name)} -o IMAGE");
        }
        if (LayerOpener.Open(layer, [], new LayerOptions { IsUpper = true }).Warning is { } warning)
            throw new UnsupportedImageException(layer.Name, $"{warning}; an archive to boot from has no use for it");
    }

    /// <summary>
    /// How many of these layers, from the lowest on, an index made beforehand is of: its tags are their digests, in their
    /// order.
    /// </summary>
    /// <returns>0 if it is an index of something else, or none.</returns>
    public static int CountCovered(ByteSource index, IReadOnlyList<string?> digests)
    {
        Span<byte> bytes = stackalloc byte[SuperBlock.ParsedSize];
        bytes.Clear();
        if (!ErofsImage.IsErofs(index) || index.Read(SuperBlock.Offset, bytes) < SuperBlock.BaseSize)
            return 0;
        SuperBlock superBlock = SuperBlock.Parse(bytes);
        if (superBlock.ExtraDevices > digests.Count)
            return 0;
        byte[] slot = new byte[DeviceSlot.Size];
        for (int i = 0; i < superBlock.ExtraDevices; i++)
        {
            index.ReadExactly((superBlock.DeviceTableSlot + i) * (long)DeviceSlot.Size, slot);
            bool isThis = digests[i] is { } digest
                && System.Text.Encoding.ASCII.GetString(slot.AsSpan(0, digest.Length)) == digest;
            if (!isThis)
                return 0;
        }
        return superBlock.ExtraDevices;
    }

    /// <summary>Whether a kernel can mount a layer as it is.</summary>
    public static bool CanBeMounted(ByteSource layer) => ErofsImage.IsErofs(layer);

    /// <summary>The label of an image on a device; null if there is no image.</summary>
    public static string? LabelOf(ByteSource device)
    {
        Span<byte> bytes = stackalloc byte[SuperBlock.ParsedSize];
        bytes.Clear();
        if (!ErofsImage.IsErofs(device) || device.Read(SuperBlock.Offset, bytes) < SuperBlock.BaseSize)
            return null;
        return System.Text.Encoding.UTF8.GetString(SuperBlock.Parse(bytes).Label.Span).TrimEnd('\0');
    }

    /// <summary>What a kernel of this release can read.</summary>
    public static KernelProfile ProfileOf(string kernelRelease)
    {
        string[] parts = kernelRelease.Split('.', '-', '+');
        bool isVersion = parts.Length >= 2 & int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture,
            out int major) &
            int.TryParse(parts.ElementAtOrDefault(1), NumberStyles.None, CultureInfo.InvariantCulture, out int minor);
        Version version = isVersion ? new Version(major, minor) : KernelProfile.Linux612.Version;
        return version < KernelProfile.Linux61.Version ? KernelProfile.Linux61 : new KernelProfile(version);
    }

    /// <summary>
    /// Whether a kernel of this release can keep its archives, so that layers in them stay in place: Linux 6.6 brought
    /// /sys/firmware/initrd.
    /// </summary>
    internal static bool KeepsArchives(string kernelRelease) => ProfileOf(kernelRelease).Version >= s_firstToKeep;

    internal static UnsupportedImageException RefuseInPlace(string name, string kernelRelease) => new(name,
        $"layers lie in place, which takes Linux 6.6 or later; the kernel is {kernelRelease}",
        "Make the archive with --form files.");

    private static Layer[] Open(IReadOnlyList<ByteSource> layers) =>
        [.. layers.Select((layer, index) => LayerOpener.Open(layer, [], new LayerOptions { IsUpper = index > 0 }))];
}
