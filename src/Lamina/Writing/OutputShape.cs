using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>Block size and kernel of an output, chosen from its layers where the user has not.</summary>
/// <param name="BlockBits">log2 of the block size.</param>
/// <param name="Kernel">What the output may use.</param>
internal readonly record struct OutputShape(int BlockBits, KernelProfile Kernel)
{
    private const int PageBits = 12, SectorBits = 9;

    /// <summary>Chooses.</summary>
    /// <param name="layers">The layers.</param>
    /// <param name="clusterBlockSizes">The block sizes that compressed files in use were made with, in bytes.</param>
    /// <param name="options">What the user asked for.</param>
    /// <exception cref="UnsupportedImageException">The layers need a newer kernel than was asked for, and nothing else will
    /// do.</exception>
    public static OutputShape Choose(IReadOnlyList<Layer> layers, IReadOnlyCollection<int> clusterBlockSizes,
        WriteOptions options)
    {
        Version needed = layers.Max(layer => layer.RequiredKernel)!;
        KernelProfile kernel = options.Kernel ??
            (needed > KernelProfile.Linux612.Version ? new KernelProfile(needed) : KernelProfile.Linux612);
        if (options.BlockSize is { } asked)
        {
            if (asked is not (512 or 1024 or 2048 or 4096))
                throw new ArgumentException($"a block size of {asked} bytes; 512, 1024, 2048 and 4096 are possible");
            if (asked < 1 << PageBits && !kernel.HasSmallPlainBlocks)
            {
                throw new UnsupportedImageException("output", $"blocks of {asked} bytes are not read by Linux " +
                    $"{kernel.Version}, only from {KernelProfile.SmallBlocks} on",
                    $"Merge with --block-size 4096, or with --kernel {KernelProfile.SmallBlocks} or newer.");
            }
            return new OutputShape(int.Log2(asked), kernel);
        }
        int bits = PageBits;
        if (kernel.HasSmallBlocks && layers.Count > 0)
        {
            // Compressed clusters keep the block size they were made with; without any, the smallest that a layer has serves all.
            if (clusterBlockSizes.Count == 0)
                bits = int.Log2(layers.Min(layer => layer.BlockSize));
            else if (clusterBlockSizes.Count == 1)
                bits = int.Log2(clusterBlockSizes.First());
        }
        return new OutputShape(Math.Clamp(bits, SectorBits, PageBits), kernel);
    }
}
