using System.Buffers.Binary;
using System.Text;

namespace Lamina.Trust;

/// <summary>
/// What stands in front of a tree: all that dm-verity has to be told, but for the root hash. The format is veritysetup's
/// (cryptsetup, lib/verity/verity.c, <c>struct verity_sb</c>), version 1.
/// </summary>
/// <param name="Uuid">uuid: of the tree.</param>
/// <param name="Algorithm">algorithm: a name, padded with NULs.</param>
/// <param name="DataBlockSize">data_block_size: in bytes, a power of two.</param>
/// <param name="HashBlockSize">hash_block_size: in bytes, a power of two.</param>
/// <param name="DataBlocks">data_blocks: how many blocks of data the tree covers.</param>
/// <param name="Salt">salt_size, salt: up to 256 bytes.</param>
internal sealed record VeritySuperBlock(
    Guid Uuid, VerityAlgorithm Algorithm, int DataBlockSize, int HashBlockSize, long DataBlocks, byte[] Salt)
{
    public const int Size = 512;
    public const int MaxSalt = 256;

    /// <summary>Block sizes that are read: from a disk's sector to the largest page of a processor.</summary>
    public const int SmallestBlock = 512, LargestBlock = 65536;

    private static ReadOnlySpan<byte> Signature => "verity\0\0"u8;

    private const uint CurrentVersion = 1, NormalType = 1;
    private const int VersionAt = 8, TypeAt = 12, UuidAt = 16, AlgorithmAt = 32, AlgorithmSize = 32, DataBlockSizeAt = 64;
    private const int HashBlockSizeAt = 68, DataBlocksAt = 72, SaltSizeAt = 80, SaltPaddingAt = 82;
    private const int SaltAt = 88;

    /// <summary>Where the tree begins, in bytes from the superblock, which has the first block of the tree's area.</summary>
    public int TreeOffset => (Size + HashBlockSize - 1) / HashBlockSize * HashBlockSize;

    /// <summary>What the digests depend on.</summary>
    public MerkleParameters Parameters => new(Algorithm, DataBlockSize, HashBlockSize, Salt);

    /// <summary>The tree's shape.</summary>
    public MerkleShape Shape => new(DataBlocks, HashBlockSize, VerityAlgorithms.DigestSize(Algorithm));

    /// <summary>Bytes of data that the tree covers.</summary>
    public long DataLength => DataBlocks * DataBlockSize;

    /// <summary>Bytes of superblock and tree.</summary>
    public long Length => TreeOffset + Shape.TotalBlocks * HashBlockSize;

    /// <summary>Whether bytes begin like a superblock.</summary>
    public static bool IsOne(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Signature);

    /// <summary>Reads a superblock and checks each of its fields.</summary>
    /// <param name="name">The file, for messages.</param>
    /// <param name="offset">Where it is in the file, for messages.</param>
    /// <param name="bytes">The bytes.</param>
    /// <exception cref="CorruptImageException">There is none, or a field cannot be.</exception>
    /// <exception cref="UnsupportedImageException">It asks for what dm-verity knows and Lamina does not.</exception>
    public static VeritySuperBlock Parse(string name, long offset, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Size || !IsOne(bytes))
            throw new CorruptImageException(name, "there is no dm-verity superblock here", null, offset);
        uint version = Number(bytes, VersionAt), type = Number(bytes, TypeAt);
        if (version != CurrentVersion)
            throw new UnsupportedImageException(name, $"dm-verity superblock of version {version}; {CurrentVersion} is known");
        if (type != NormalType)
            throw new UnsupportedImageException(name, $"dm-verity hash type {type} (Chrome OS); type {NormalType} is known");
        ReadOnlySpan<byte> text = bytes.Slice(AlgorithmAt, AlgorithmSize);
        int end = text.IndexOf((byte)0);
        string algorithm = Encoding.Latin1.GetString(end < 0 ? text : text[..end]);
        int dataBlock = BlockSize(name, offset, bytes, DataBlockSizeAt);
        int hashBlock = BlockSize(name, offset, bytes, HashBlockSizeAt);
        ulong blocks = BinaryPrimitives.ReadUInt64LittleEndian(bytes[DataBlocksAt..]);
        if (blocks == 0 || blocks > (ulong)(long.MaxValue / LargestBlock))
            throw new CorruptImageException(name, $"a dm-verity tree over {blocks} blocks", null, offset + DataBlocksAt);
        int salt = BinaryPrimitives.ReadUInt16LittleEndian(bytes[SaltSizeAt..]);
        if (salt > MaxSalt)
            throw new CorruptImageException(name, $"a dm-verity salt of {salt} bytes; {MaxSalt} is the most", null,
                offset + SaltSizeAt);
        if (bytes[SaltPaddingAt..SaltAt].ContainsAnyExcept((byte)0) || bytes[(SaltAt + salt)..Size].ContainsAnyExcept((byte)0))
            throw new CorruptImageException(name, "a dm-verity superblock with bytes that mean nothing and are not zero", null,
                offset);
        return new VeritySuperBlock(new Guid(bytes.Slice(UuidAt, 16), bigEndian: true),
            VerityAlgorithms.Find(algorithm) ?? throw new UnsupportedImageException(name,
                $"dm-verity tree of {Shown(algorithm)} digests; sha256 and sha512 are known"),
            dataBlock, hashBlock, (long)blocks, bytes.Slice(SaltAt, salt).ToArray());
    }

    public void WriteTo(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        Signature.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[VersionAt..], CurrentVersion);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[TypeAt..], NormalType);
        Uuid.TryWriteBytes(bytes[UuidAt..], bigEndian: true, out _);
        Encoding.ASCII.GetBytes(VerityAlgorithms.NameOf(Algorithm), bytes[AlgorithmAt..]);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[DataBlockSizeAt..], DataBlockSize);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[HashBlockSizeAt..], HashBlockSize);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[DataBlocksAt..], DataBlocks);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[SaltSizeAt..], (ushort)Salt.Length);
        Salt.CopyTo(bytes[SaltAt..]);
    }

    private static int BlockSize(string name, long offset, ReadOnlySpan<byte> bytes, int at)
    {
        uint size = Number(bytes, at);
        if (!uint.IsPow2(size) || size is < SmallestBlock or > LargestBlock)
        {
            throw new CorruptImageException(name,
                $"dm-verity blocks of {size} bytes; a power of two from {SmallestBlock} to {LargestBlock} is expected", null,
                offset + at);
        }
        return (int)size;
    }

    private static uint Number(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static string Shown(string name) =>
        name.Length > 0 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '-') ? name : "unnamed";
}
