using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>An EROFS image as a layer. Data stays where it is.</summary>
internal static class ErofsLayer
{
    /// <summary>Makes a layer of an opened image; the layer owns the image from now on.</summary>
    public static Layer Open(ErofsImage image) => new()
    {
        Name = image.Name,
        Root = image.Root,
        Rules = WhiteoutRules.Overlay,
        Originals = [image.Primary, .. image.Devices],
        BlockSize = image.BlockSize,
        RequiredKernel = RequiredKernelOf(image.SuperBlock),
        Codecs = LimitsOf(image.Configs, image.BlockSize),
        FingerprintName = image.FingerprintName,
    };

    /// <summary>
    /// What the image's own layouts ask of a kernel. Metabox, prefixes and filters do not count: they are resolved on the way in.
    /// </summary>
    private static Version RequiredKernelOf(SuperBlock superBlock) =>
        superBlock.Has(IncompatibleFeatures.Wide48Bit) ? new Version(6, 15) : new Version(6, 1);

    private static CodecLimits LimitsOf(CompressionConfigs configs, int blockSize) => new(
        configs.Lz4MaxDistance, (configs.Algorithms & 1) != 0 ? Math.Max((int)configs.Lz4MaxClusterBlocks, 1) * blockSize : 0,
        configs.LzmaDictionarySize, configs.DeflateWindowBits, configs.ZstdWindowLog);
}
