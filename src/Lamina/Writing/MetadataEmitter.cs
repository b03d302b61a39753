using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>Writes the metadata area of a plan, now that addresses are known.</summary>
internal sealed class MetadataEmitter(ImagePlan plan, long metadataStart, Func<Original, long, long> addressOf)
{
    private readonly int _blockBits = plan.Context.BlockBits;
    private readonly Dictionary<Original, List<PlannedInode>> _tails = new(ReferenceEqualityComparer.Instance);

    /// <summary>All inodes, xattrs and directories, as bytes.</summary>
    public byte[] Emit()
    {
        byte[] metadata = new byte[plan.MetadataLength];
        for (int i = 0; i < plan.Inodes.Count; i++)
            Emit(plan.Inodes[i], (uint)i + 1, metadata);
        CopyTails(metadata);
        plan.SharedXattrs.Span.CopyTo(metadata.AsSpan((int)plan.XattrStart));
        return metadata;
    }

    private void Emit(PlannedInode inode, uint number, Span<byte> metadata)
    {
        Span<byte> bytes = metadata.Slice((int)inode.Position, inode.TotalSize);
        Node node = inode.Node;
        ulong union = UnionOf(inode);
        new InodeRecord
        {
            IsExtended = inode.IsExtended,
            Layout = inode.Layout,
            XattrCount = inode.Xattrs.Count,
            Mode = node.Mode,
            Size = inode.Size,
            Union = inode.IsExtended ? (uint)union : checked((uint)union),
            UnionHigh = inode.IsExtended ? checked((ushort)(union >> 32)) : (ushort)0,
            Number = number,
            UserId = node.UserId,
            GroupId = node.GroupId,
            Seconds = inode.IsExtended ? node.Modified.Seconds : node.Modified.Seconds - plan.Times.Epoch,
            Nanoseconds = node.Modified.Nanoseconds,
            LinkCount = inode.Links,
        }.WriteTo(bytes);
        inode.Xattrs.Bytes.CopyTo(bytes[inode.RecordSize..]);
        switch (inode.Data)
        {
            case PlannedDirectory directory:
                EmitDirectory(inode, directory, bytes, metadata);
                break;
            case ChunkPlan chunks:
                EmitChunks(chunks, bytes[((inode.End + 3) & ~3)..]);
                break;
            case MapPlan map:
                map.WriteTo(bytes[inode.End..], metadataStart + inode.Position + inode.End, addressOf,
                    plan.Features.Announced);
                EmitTail(inode, bytes);
                break;
            case PlacedContent { HasInlineTail: true }:
                EmitTail(inode, bytes);
                break;
        }
    }

    /// <summary>Where the data is that is copied with the inode; null without any.</summary>
    private static (Original Original, long Offset)? TailOf(PlannedInode inode) => inode.Data switch
    {
        MapPlan { InlineTail: { } tail } => (tail.Original!, tail.Offset),
        PlacedContent { HasInlineTail: true } content => (content.Extents[^1].Original, content.Extents[^1].Offset),
        _ => null,
    };

    private void EmitTail(PlannedInode inode, Span<byte> bytes)
    {
        if (TailOf(inode) is not { } tail)
            return;
        if (tail.Original.Small is MetadataReader)
            (CollectionsMarshal.GetValueRefOrAddDefault(_tails, tail.Original, out _) ??= []).Add(inode);
        else
            tail.Original.Bytes.ReadExactly(tail.Offset, bytes.Slice(inode.InlineAt, inode.InlineSize));
    }

    /// <summary>Tails in images, those of each in the order in which they are there: what is read once serves many.</summary>
    private void CopyTails(Span<byte> metadata)
    {
        foreach ((Original original, List<PlannedInode> inodes) in _tails)
        {
            using MetadataCursor cursor = new((MetadataReader)original.Small);
            inodes.Sort(static (a, b) => TailOf(a)!.Value.Offset.CompareTo(TailOf(b)!.Value.Offset));
            foreach (PlannedInode inode in inodes)
            {
                cursor.Read(TailOf(inode)!.Value.Offset, inode.InlineSize)
                    .CopyTo(metadata[((int)inode.Position + inode.InlineAt)..]);
            }
        }
    }

    /// <summary>i_u: what it means depends on the layout and the type.</summary>
    private ulong UnionOf(PlannedInode inode) => inode.Data switch
    {
        PlannedDirectory { BodySize: > 0 } directory =>
            (ulong)(metadataStart + plan.DirectoryStart + directory.BodyAt) >> _blockBits,
        ChunkPlan chunks => new ChunkFormat((ushort)(chunks.ChunkBits - _blockBits)).Value,
        // What stat(2) reports, no more: a source may claim any number, a compact inode has 32 bits for it.
        MapPlan map => Math.Min((ulong)map.Blocks, inode.IsExtended ? ChunkIndex.WideHole : uint.MaxValue),
        PlacedContent content when content.Extents.Length > (content.HasInlineTail ? 1 : 0) =>
            (ulong)addressOf(content.Extents[0].Original, content.Extents[0].Offset) >> _blockBits,
        null => inode.Node.Device.Value,
        _ => 0,
    };

    private void EmitDirectory(PlannedInode inode, PlannedDirectory directory, Span<byte> bytes, Span<byte> metadata)
    {
        Span<byte> body = metadata.Slice((int)(plan.DirectoryStart + directory.BodyAt), (int)directory.BodySize);
        if (directory.BodySize == 0)
        {
            DirectoryPacking.Write(directory, inode, plan.Context.BlockSize, bytes[inode.InlineAt..]);
            return;
        }
        if (inode.InlineSize == 0)
        {
            DirectoryPacking.Write(directory, inode, plan.Context.BlockSize, body);
            return;
        }
        byte[] all = new byte[inode.Size];
        DirectoryPacking.Write(directory, inode, plan.Context.BlockSize, all);
        all.AsSpan(0, body.Length).CopyTo(body);
        all.AsSpan(body.Length).CopyTo(bytes[inode.InlineAt..]);
    }

    /// <summary>A block number for each chunk; what no extent covers is a hole.</summary>
    private void EmitChunks(ChunkPlan chunks, Span<byte> table)
    {
        table[..((int)chunks.Count * sizeof(uint))].Fill(0xFF);
        foreach (PlacedExtent extent in chunks.Content.Extents)
        {
            long address = addressOf(extent.Original, extent.Offset);
            for (long done = 0; done < extent.Length; done += 1L << chunks.ChunkBits)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(
                    table[((int)((extent.Logical + done) >> chunks.ChunkBits) * sizeof(uint))..],
                    checked((uint)((address + done) >> _blockBits)));
            }
        }
    }
}
