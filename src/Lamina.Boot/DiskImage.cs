using System.IO.Hashing;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Lamina.Boot.Signatures;
using Lamina.Format;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Trust;
using Lamina.Writing;

namespace Lamina.Boot;

/// <summary>The processors whose root partitions have types of their own.</summary>
public enum DiskArchitecture
{
    /// <summary>64-bit PCs.</summary>
    X64,

    /// <summary>64-bit ARM.</summary>
    Arm64,
}

/// <summary>How a disk image is made.</summary>
public sealed record DiskOptions : WorkOptions
{
    /// <summary>How the tree is made, if the image has none behind it.</summary>
    public VerityOptions Tree { get; init; } = new();

    /// <summary>Whose root partition it is.</summary>
    public DiskArchitecture Architecture { get; init; }

    /// <summary>A certificate with its key: the disk gets a partition with the signature of the root hash; null for
    /// none.</summary>
    public X509Certificate2? Signer { get; init; }

    /// <summary>Whether an existing file may be replaced.</summary>
    public bool Overwrite { get; init; }
}

/// <summary>What was made.</summary>
/// <param name="Path">The disk image.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Verity">The tree; its place is given from the start of its partition.</param>
/// <param name="Partitions">Names and identities of the partitions, in their order.</param>
public sealed record DiskResult(string Path, long Length, VerityInfo Verity, IReadOnlyList<(string Name, Guid Id)> Partitions);

/// <summary>
/// Makes a disk of an image: a GUID partition table with a root partition, one with its dm-verity tree, and one with the
/// signature of the root hash. Types, identities and contents are those of the Discoverable Partitions Specification (UAPI.2)
/// and of systemd, so that whoever knows the root hash finds both partitions by their identities: they are its first and its
/// last half, 16 bytes each.
/// </summary>
public static class DiskImage
{
    private const int SectorSize = 512, EntryCount = 128, Alignment = 1 << 20, SignatureAlignment = 16 << 10;
    private const int EntriesSize = EntryCount * GptEntry.Size, EntrySectors = EntriesSize / SectorSize;

    /// <summary>Type ids: root, its tree, its signature.</summary>
    private static readonly Dictionary<DiskArchitecture, (string Name, Guid[] Types)> s_types = new()
    {
        [DiskArchitecture.X64] = ("root-x86-64", [new("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"),
            new("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5"), new("41092b05-9fc8-4523-994f-2def0408b176")]),
        [DiskArchitecture.Arm64] = ("root-arm64", [new("b921b045-1df0-41c3-af44-4c6f280d3fae"),
            new("df3300ce-d69f-4c92-978c-9bfb0f38d820"), new("6db69de6-29f4-4758-a7a5-962190f00ce3")]),
    };

    /// <summary>Makes a disk image. It appears whole or not at all.</summary>
    /// <param name="image">An EROFS image; if a tree stands behind it, that one is taken.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="options">How.</param>
    /// <exception cref="CorruptImageException">The image, or the tree behind it, contradicts itself.</exception>
    /// <exception cref="IOException">A file is missing or in the way, or the system refused.</exception>
    public static DiskResult Build(string image, string path, DiskOptions? options = null)
    {
        options ??= new DiskOptions();
        using ByteSource source = ByteSource.OpenFile(image);
        long end = AppendedTree.DataEnd(source);
        var there = AppendedTree.Find(source);
        VeritySuperBlock planned = there?.SuperBlock
            ?? VerityTree.Plan(options.Tree, AppendedTree.OffsetFor(end, options.Tree.BlockSize));
        using OutputFile output = new(path, options.Overwrite, new InputFiles().Add(source));
        output.CopyFrom(source, 0, Alignment, end);
        long treeAt = Align(Alignment + planned.DataLength, Alignment);
        output.SetLength(treeAt + planned.Length);
        ByteSource data = ByteSource.Slice(output.ReadBack(image), image, Alignment, planned.DataLength);
        VerityInfo tree = there is null ? VerityTree.Write(data, planned, (block, at) => output.WriteAside(block, treeAt + at),
            options) : CopyTree(source, there.Value, output, treeAt, data, options);
        List<(Guid Id, long Start, long Length)> parts =
            [(Half(tree.RootHash.Span[..16]), Alignment, planned.DataLength),
                (Half(tree.RootHash.Span[^16..]), treeAt, planned.Length)];
        if (options.Signer is not null)
        {
            byte[] signature = SignaturePart(tree, options.Signer);
            long at = Align(treeAt + planned.Length, Alignment);
            output.SetLength(at + signature.Length);
            output.Write(signature, at);
            parts.Add((Derived("signature", tree.RootHash.Span), at, signature.Length));
        }
        (string name, Guid[] types) = s_types[options.Architecture];
        string[] names = [name, $"{name}-verity", $"{name}-verity-sig"];
        GptEntry[] entries = [.. parts.Select((part, i) => new GptEntry(types[i], part.Id, part.Start / SectorSize,
            (part.Start + Align(part.Length, 4096)) / SectorSize - 1, GptEntry.ReadOnly, names[i]))];
        long length = WriteTables(output, entries, Derived("disk", tree.RootHash.Span));
        output.Commit();
        return new DiskResult(path, length, tree, [.. entries.Select(entry => (entry.Name, entry.Id))]);
    }

    /// <summary>Takes the tree that is there, after making sure that it is the image's.</summary>
    private static VerityInfo CopyTree(ByteSource source, (VeritySuperBlock SuperBlock, long Offset) tree,
        OutputFile output, long at, ByteSource data, WorkOptions work)
    {
        byte[] root = VerityTree.RootOf(tree.SuperBlock, source, source, tree.Offset);
        VerityReport report = VerityCheck.Run(tree.SuperBlock, data, source, tree.Offset, root, work);
        string? fault = report.IsSound ? TreeCoverage.FindFault(tree.SuperBlock, tree.Offset, source, source) : report.Faults[0];
        if (fault is not null)
            throw new CorruptImageException(source.Name, $"does not match the dm-verity tree behind it: {fault}");
        output.CopyFrom(source, tree.Offset, at, tree.SuperBlock.Length);
        return new VerityInfo(tree.SuperBlock, root, 0);
    }

    /// <summary>What systemd reads: root hash, SHA-256 of the certificate, and the signature, as JSON with zeros behind
    /// it.</summary>
    private static byte[] SignaturePart(VerityInfo tree, X509Certificate2 signer)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter writer = new(text))
        {
            writer.WriteStartObject();
            writer.WriteString("rootHash", tree.RootHashText);
            writer.WriteString("certificateFingerprint", Convert.ToHexStringLower(signer.GetCertHash(HashAlgorithmName.SHA256)));
            writer.WriteString("signature", Convert.ToBase64String(RootHashSignature.Sign(tree.RootHash.Span, signer)));
            writer.WriteEndObject();
        }
        byte[] part = new byte[Align(text.Length, SignatureAlignment)];
        text.ToArray().CopyTo(part, 0);
        return part;
    }

    /// <summary>Writes both tables and the classic one that keeps other tools from taking the disk for an empty one.</summary>
    private static long WriteTables(OutputFile output, GptEntry[] entries, Guid disk)
    {
        long behind = Align((entries[^1].Last + 1) * SectorSize, Alignment);
        long length = behind + Align(EntriesSize + SectorSize, 4096);
        long last = length / SectorSize - 1;
        byte[] table = new byte[EntriesSize];
        for (int i = 0; i < entries.Length; i++)
            entries[i].WriteTo(table.AsSpan(i * GptEntry.Size));
        GptHeader first = new(1, last, 2 + EntrySectors, last - EntrySectors - 1, disk, 2, EntryCount, GptEntry.Size,
            Crc32.HashToUInt32(table));
        GptHeader second = first with { Sector = last, OtherSector = 1, EntriesAt = last - EntrySectors };
        byte[] head = new byte[(2 + EntrySectors) * SectorSize];
        WriteProtection(head, last);
        first.WriteTo(head.AsSpan(SectorSize));
        table.CopyTo(head, 2 * SectorSize);
        output.SetLength(length);
        output.Write(head, 0);
        output.Write(table, second.EntriesAt * SectorSize);
        byte[] tail = new byte[SectorSize];
        second.WriteTo(tail);
        output.Write(tail, last * SectorSize);
        return length;
    }

    /// <summary>A classic table with one partition over everything, of a type that says what is really there.</summary>
    private static void WriteProtection(Span<byte> sector, long last)
    {
        const int entryAt = 446, signatureAt = 510;
        Span<byte> entry = sector[entryAt..];
        // not bootable; from cylinder 0, head 0, sector 2 to the end of what such addresses reach; type EE
        ((ReadOnlySpan<byte>)[0x00, 0x00, 0x02, 0x00, 0xEE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0]).CopyTo(entry);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], (uint)Math.Min(last, uint.MaxValue));
        sector[signatureAt] = 0x55;
        sector[signatureAt + 1] = 0xAA;
    }

    private static Guid Half(ReadOnlySpan<byte> bytes) => new(bytes, bigEndian: true);

    /// <summary>An identity that derives from the root hash, in the form of version 8 (RFC 9562).</summary>
    private static Guid Derived(string use, ReadOnlySpan<byte> rootHash)
    {
        byte[] bytes = SHA256.HashData([.. System.Text.Encoding.ASCII.GetBytes(use), .. rootHash]);
        bytes[6] = (byte)(bytes[6] & 0x0F | 0x80);
        bytes[8] = (byte)(bytes[8] & 0x3F | 0x80);
        return new Guid(bytes.AsSpan(0, 16), bigEndian: true);
    }

    private static long Align(long value, int alignment) => (value + alignment - 1) & ~(alignment - 1L);
}
