
namespace Lamina.Trust;

/// <summary>How a tree is made. The defaults are those of veritysetup, but for the salt, which is random there.</summary>
public sealed record VerityOptions
{
    /// <summary>The largest salt, in bytes.</summary>
    public const int MaxSaltLength = VeritySuperBlock.MaxSalt;

    /// <summary>The hash function.</summary>
    public VerityAlgorithm Algorithm { get; init; } = VerityAlgorithm.Sha256;

    /// <summary>
    /// What goes in front of every block that is hashed, at most 256 bytes; empty for nothing, so that the same image has the
    /// same root hash everywhere.
    /// </summary>
    public ReadOnlyMemory<byte> Salt { get; init; }

    /// <summary>
    /// The size of blocks, of data and of the tree, in bytes: a power of two from 512 to 65536. Kernels take no block that is
    /// larger than their page, which mostly has 4096.
    /// </summary>
    public int BlockSize { get; init; } = 4096;

    /// <summary>Says what is wrong with the options.</summary>
    /// <exception cref="ArgumentException">A size or length cannot be.</exception>
    internal void Validate()
    {
        if (!int.IsPow2(BlockSize) || BlockSize is < VeritySuperBlock.SmallestBlock or > VeritySuperBlock.LargestBlock)
        {
            throw new ArgumentException($"dm-verity blocks of {BlockSize} bytes; a power of two from " +
                $"{VeritySuperBlock.SmallestBlock} to {VeritySuperBlock.LargestBlock} is expected");
        }
        if (Salt.Length > MaxSaltLength)
            throw new ArgumentException($"a salt of {Salt.Length} bytes; {MaxSaltLength} is the most");
    }
}
