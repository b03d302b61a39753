namespace Lamina.Trust;

/// <summary>Trees in files: made, and found again.</summary>
internal static class VerityTree
{
    /// <summary>The superblock of a tree whose data, of this many bytes, end at a block.</summary>
    /// <exception cref="ArgumentException">The options cannot be, or the data have no whole number of blocks.</exception>
    public static VeritySuperBlock Plan(VerityOptions options, long dataLength)
    {
        options.Validate();
        if (dataLength <= 0 || dataLength % options.BlockSize != 0)
        {
            throw new ArgumentException($"{dataLength} bytes are no whole number of dm-verity blocks " +
                $"of {options.BlockSize} bytes");
        }
        return new VeritySuperBlock(Guid.Empty, options.Algorithm, options.BlockSize, options.BlockSize,
            dataLength / options.BlockSize, options.Salt.ToArray());
    }

    /// <summary>The superblock with its UUID, which derives from the root hash in the form of version 8 (RFC 9562).</summary>
    public static VeritySuperBlock Name(VeritySuperBlock planned, ReadOnlySpan<byte> rootHash)
    {
        Span<byte> uuid = stackalloc byte[16];
        rootHash[..16].CopyTo(uuid);
        uuid[6] = (byte)(uuid[6] & 0x0F | 0x80);
        uuid[8] = (byte)(uuid[8] & 0x3F | 0x80);
        return planned with { Uuid = new Guid(uuid, bigEndian: true) };
    }

    /// <summary>Reads the superblock at a place of a file.</summary>
    /// <exception cref="CorruptImageException">There is none, or it cannot be right.</exception>
    /// <exception cref="UnsupportedImageException">It asks for what is not known.</exception>
    public static VeritySuperBlock Read(ByteSource source, long offset)
    {
        Span<byte> bytes = stackalloc byte[VeritySuperBlock.Size];
        bytes.Clear();
        _ = source.Read(offset, bytes);
        return VeritySuperBlock.Parse(source.Name, offset, bytes);
    }

    /// <summary>Whether there is a superblock at a place of a file.</summary>
    public static bool IsAt(ByteSource source, long offset)
    {
        Span<byte> bytes = stackalloc byte[8];
        return source.Read(offset, bytes) == bytes.Length && VeritySuperBlock.IsOne(bytes);
    }

    /// <summary>
    /// The root hash that the top of a tree has. Nothing below it is looked at: trust comes from comparing it, not from reading
    /// it.
    /// </summary>
    /// <param name="superBlock">The tree's superblock.</param>
    /// <param name="data">The data, for a tree without levels: a single block.</param>
    /// <param name="hash">The file that has the tree.</param>
    /// <param name="hashOffset">Where the superblock is in it.</param>
    /// <exception cref="CorruptImageException">The file ends before the top of the tree does.</exception>
    public static byte[] RootOf(VeritySuperBlock superBlock, ByteSource data, ByteSource hash, long hashOffset)
    {
        return DigestOf(superBlock, TopOf(superBlock, data, hash, hashOffset));
    }

    /// <summary>The block whose digest is the root hash.</summary>
    /// <exception cref="CorruptImageException">The file ends before it does.</exception>
    public static byte[] TopOf(VeritySuperBlock superBlock, ByteSource data, ByteSource hash, long hashOffset)
    {
        bool isSingle = superBlock.Shape.Levels == 0;
        byte[] block = new byte[isSingle ? superBlock.DataBlockSize : superBlock.HashBlockSize];
        if (isSingle)
            data.ReadExactly(0, block);
        else
            hash.ReadExactly(hashOffset + superBlock.TreeOffset, block);
        return block;
    }

    /// <summary>A block's digest, by the platform's cryptography.</summary>
    public static byte[] DigestOf(VeritySuperBlock superBlock, byte[] block)
    {
        byte[] digest = new byte[VerityAlgorithms.DigestSize(superBlock.Algorithm)];
        new BlockHasher(superBlock.Algorithm, superBlock.Salt, block.Length).Hash(block, digest);
        return digest;
    }

    /// <summary>Computes a tree and gives it away: its blocks in any order, its superblock last, all from its start on.</summary>
    /// <param name="data">The data, of the length that was planned.</param>
    /// <param name="planned">The superblock, from <see cref="Plan"/>.</param>
    /// <param name="write">Takes bytes and their place from the start of the superblock; from several threads.</param>
    /// <param name="work">Who is told, who stops it, how many threads.</param>
    public static VerityInfo Write(ByteSource data, VeritySuperBlock planned, TreeSink write, WorkOptions work)
    {
        byte[] root = new MerkleBuilder(data, planned.DataLength, planned.Parameters,
            (block, at) => write(block, planned.TreeOffset + at), work.ThreadCount,
            work.Counter(() => planned.DataLength)).Finish();
        VeritySuperBlock superBlock = Name(planned, root);
        byte[] bytes = new byte[superBlock.TreeOffset];
        superBlock.WriteTo(bytes);
        write(bytes, 0);
        return new VerityInfo(superBlock, root, 0);
    }
}
