using System.Buffers.Binary;

namespace Lamina.Trust;

/// <summary>
/// The digest that fs-verity has for a file (kernel, filesystems/fsverity.rst): that of a descriptor with the root of a hash tree
/// over the file. The kernel computes it for files in file systems with the feature; here it is computed from the bytes.
/// </summary>
internal static class FsVerity
{
    /// <summary>The largest salt, in bytes.</summary>
    public const int MaxSaltLength = 32;

    private const int DescriptorSize = 256, LargestRoot = 64;

    /// <summary>The digest of a file as <c>fsverity digest</c> prints it, without the name of the hash function.</summary>
    /// <param name="file">The file.</param>
    /// <param name="algorithm">The hash function.</param>
    /// <param name="blockSize">The size of blocks in bytes: a power of two from 1024 to 65536; 4096 is usual.</param>
    /// <param name="salt">At most 32 bytes.</param>
    /// <param name="progress">Is told bytes that were hashed, from any thread; what it throws ends the work.</param>
    /// <exception cref="ArgumentException">Block size or salt cannot be.</exception>
    public static byte[] Digest(ByteSource file, VerityAlgorithm algorithm = VerityAlgorithm.Sha256, int blockSize = 4096,
        ReadOnlySpan<byte> salt = default, Action<long>? progress = null)
    {
        const int smallestBlock = 1024;
        ArgumentNullException.ThrowIfNull(file);
        if (!int.IsPow2(blockSize) || blockSize is < smallestBlock or > VeritySuperBlock.LargestBlock)
        {
            throw new ArgumentException(
                $"fs-verity blocks of {blockSize} bytes; a power of two from {smallestBlock} to " +
                $"{VeritySuperBlock.LargestBlock} is expected");
        }
        if (salt.Length > MaxSaltLength)
            throw new ArgumentException($"a salt of {salt.Length} bytes; {MaxSaltLength} is the most");

        // struct fsverity_descriptor: version, hash_algorithm, log_blocksize, salt_size, 0, data_size, root_hash, salt
        byte[] descriptor = new byte[DescriptorSize];
        descriptor[0] = 1;
        descriptor[1] = algorithm == VerityAlgorithm.Sha256 ? (byte)1 : (byte)2;
        descriptor[2] = (byte)int.Log2(blockSize);
        descriptor[3] = (byte)salt.Length;
        BinaryPrimitives.WriteInt64LittleEndian(descriptor.AsSpan(8), file.Length);
        Root(file, algorithm, blockSize, salt, progress).CopyTo(descriptor.AsSpan(16));
        salt.CopyTo(descriptor.AsSpan(16 + LargestRoot));
        byte[] digest = new byte[VerityAlgorithms.DigestSize(algorithm)];
        VerityAlgorithms.Hash(algorithm, descriptor, digest);
        return digest;
    }

    private static byte[] Root(ByteSource file, VerityAlgorithm algorithm, int blockSize, ReadOnlySpan<byte> salt,
        Action<long>? progress)
    {
        if (file.Length == 0)
            return [];      // the root of nothing is zeros
        byte[] padded = new byte[salt.Length == 0 ? 0 : VerityAlgorithms.InnerBlockSize(algorithm)];
        salt.CopyTo(padded);
        return new MerkleBuilder(file, file.Length, new MerkleParameters(algorithm, blockSize, blockSize, padded), null,
            Environment.ProcessorCount, progress)
            .Finish();
    }
}
