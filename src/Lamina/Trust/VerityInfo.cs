using System.Globalization;
using Lamina.Format;

namespace Lamina.Trust;

/// <summary>What the kernel does when it reads a block that does not match its digest.</summary>
public enum CorruptionAction
{
    /// <summary>The read fails (EIO), and what asked for it has to cope.</summary>
    Fail,

    /// <summary>The machine starts again.</summary>
    Restart,

    /// <summary>The kernel panics, and does what <c>panic=</c> says.</summary>
    Panic,
}

/// <summary>A hash tree and what it belongs to: all that it takes to use the data through dm-verity.</summary>
public sealed record VerityInfo
{
    internal VerityInfo(VeritySuperBlock superBlock, byte[] rootHash, long hashOffset)
    {
        SuperBlock = superBlock;
        RootHash = rootHash;
        HashOffset = hashOffset;
    }

    /// <summary>The digest over everything: whoever trusts it can trust each block that is read.</summary>
    public ReadOnlyMemory<byte> RootHash { get; }

    /// <summary>The root hash in lower-case hexadecimal digits, as all tools take it.</summary>
    public string RootHashText => Convert.ToHexStringLower(RootHash.Span);

    /// <summary>Where the superblock is in the file that has the tree, in bytes; the tree follows.</summary>
    public long HashOffset { get; internal init; }

    /// <summary>Bytes of superblock and tree.</summary>
    public long HashLength => SuperBlock.Length;

    /// <summary>The hash function.</summary>
    public VerityAlgorithm Algorithm => SuperBlock.Algorithm;

    /// <summary>Bytes of data that have a digest of their own.</summary>
    public int DataBlockSize => SuperBlock.DataBlockSize;

    /// <summary>Bytes of a block of the tree.</summary>
    public int HashBlockSize => SuperBlock.HashBlockSize;

    /// <summary>How many blocks of data are covered.</summary>
    public long DataBlocks => SuperBlock.DataBlocks;

    /// <summary>What goes in front of every block that is hashed.</summary>
    public ReadOnlyMemory<byte> Salt => SuperBlock.Salt;

    /// <summary>The tree's UUID; Lamina derives it from the root hash.</summary>
    public Guid Uuid => SuperBlock.Uuid;

    internal VeritySuperBlock SuperBlock { get; }

    /// <summary>
    /// The line of a device-mapper table (kernel, admin-guide/device-mapper/verity.rst): from sector 0, in sectors of 512 bytes.
    /// </summary>
    /// <param name="dataDevice">The block device with the data.</param>
    /// <param name="hashDevice">The block device with the tree; the same one if the tree stands behind the data.</param>
    /// <param name="action">What the kernel does when a block does not match.</param>
    public string DeviceMapperLine(string dataDevice, string hashDevice, CorruptionAction action = CorruptionAction.Fail)
    {
        const int sectorSize = 512;
        string salt = Salt.Length == 0 ? "-" : Convert.ToHexStringLower(Salt.Span);
        long start = (HashOffset + SuperBlock.TreeOffset) / HashBlockSize;
        string option = action switch
        {
            CorruptionAction.Restart => " 1 restart_on_corruption",
            CorruptionAction.Panic => " 1 panic_on_corruption",
            _ => "",
        };
        return string.Create(CultureInfo.InvariantCulture,
            $"0 {SuperBlock.DataLength / sectorSize} verity 1 {dataDevice} {hashDevice} {DataBlockSize} {HashBlockSize} " +
            $"{DataBlocks} {start} {VerityAlgorithms.NameOf(Algorithm)} {RootHashText} {salt}{option}");
    }
}
