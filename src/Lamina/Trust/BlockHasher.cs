namespace Lamina.Trust;

/// <summary>Digests of blocks with a salt in front. For one thread.</summary>
internal sealed class BlockHasher
{
    private readonly VerityAlgorithm _algorithm;
    private readonly byte[] _salted;
    private readonly int _saltSize;

    public BlockHasher(VerityAlgorithm algorithm, ReadOnlySpan<byte> salt, int largestBlock)
    {
        _algorithm = algorithm;
        _saltSize = salt.Length;
        _salted = salt.Length == 0 ? [] : new byte[salt.Length + largestBlock];
        salt.CopyTo(_salted);
    }

    /// <summary>The digest of salt and block. One call for both is faster than two: a block is small.</summary>
    public void Hash(ReadOnlySpan<byte> block, Span<byte> digest)
    {
        if (_saltSize > 0)
        {
            block.CopyTo(_salted.AsSpan(_saltSize));
            block = _salted.AsSpan(0, _saltSize + block.Length);
        }
        VerityAlgorithms.Hash(_algorithm, block, digest);
    }
}
