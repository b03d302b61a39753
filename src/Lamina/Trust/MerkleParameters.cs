namespace Lamina.Trust;

/// <summary>What a hash tree depends on besides the data.</summary>
/// <param name="Algorithm">The hash function.</param>
/// <param name="DataBlockSize">Bytes of data that have a digest of their own.</param>
/// <param name="HashBlockSize">Bytes of a block of the tree.</param>
/// <param name="Salt">What goes in front of every block that is hashed; empty for nothing.</param>
internal sealed record MerkleParameters(VerityAlgorithm Algorithm, int DataBlockSize, int HashBlockSize, byte[] Salt);
