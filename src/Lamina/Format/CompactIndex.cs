using System.Buffers.Binary;
using System.Numerics;

namespace Lamina.Format;

/// <summary>
/// The compact cluster index: lclusters in packs that share one block number. Packs of 2 lclusters take 8 bytes (4 each),
/// packs of 16 take 32 bytes (2 each); which stand where depends on the index's position, as the 32-byte packs lie at
/// multiples of 32.
/// </summary>
/// <remarks>
/// Within a pack each lcluster has a type and a number (<c>lobits</c> bits): a head's offset, or the distance back, or the
/// count of blocks; the last one of a pack has the distance ahead in place of the distance back. A head's block is the pack's
/// block plus what the heads before it in the pack take up, so a pack can only hold clusters that lie behind one another
/// (<c>z_erofs_load_compact_lcluster</c>, fs/erofs/zmap.c).
/// </remarks>
/// <param name="Start">Position of the first byte, absolute in the image: the end of the map header.</param>
/// <param name="Total">Count of lclusters.</param>
/// <param name="ClusterBits">log2 of the lcluster size: at most 14, at most 12 with 2-byte packs.</param>
/// <param name="IsBig">Whether counts of blocks are given (big clusters).</param>
/// <param name="Has2B">Whether packs of 16 are used where they fit.</param>
internal readonly record struct CompactIndex(long Start, long Total, int ClusterBits, bool IsBig, bool Has2B)
{
    public const int MaxClusterBits = 14, Max2BClusterBits = 12;

    private const int SmallPack = 2, LargePack = 16;
    private const int BlockNumberSize = 4;

    private long Initial4B => Math.Min(((32 - Start % 32) / 4) & 7, Has2B ? Total : long.MaxValue);

    /// <summary>How many lclusters stand in packs of 16. None where too few are left behind the first packs.</summary>
    private long Count2B
    {
        get
        {
            long initial = ((32 - Start % 32) / 4) & 7;
            return Has2B && initial < Total ? (Total - initial) / LargePack * LargePack : 0;
        }
    }

    private int NumberBits => Math.Max(ClusterBits, BitOperations.Log2(ClusterRecord.CountBit) + 1);

    /// <summary>The size of the index in bytes; the last pack is whole even if only one of its lclusters is used.</summary>
    public int Size
    {
        get
        {
            long packed = Count2B;
            long rest = Total - packed;
            return checked((int)(packed * 2 + (rest + 1) / 2 * 8));
        }
    }

    /// <summary>
    /// The pack that an lcluster is in: its first lcluster, its position from the start, and how many it holds.
    /// </summary>
    public (long First, int Offset, int Count) PackOf(long lcluster)
    {
        long initial = Count2B > 0 ? Initial4B : long.MaxValue;
        if (lcluster < initial)
            return Small(0, 0, lcluster);
        long into = lcluster - initial;
        int offset2B = checked((int)(initial * 4));
        if (into < Count2B)
        {
            long pack = into / LargePack;
            return (initial + pack * LargePack, checked((int)(offset2B + pack * 32)), LargePack);
        }
        return Small(initial + Count2B, checked((int)(offset2B + Count2B * 2)), lcluster - initial - Count2B);

        static (long, int, int) Small(long first, int offset, long at) =>
            (first + at / SmallPack * SmallPack, checked((int)(offset + at / SmallPack * 8)), SmallPack);
    }

    /// <summary>
    /// Where data that belongs to the pack of the last lcluster (an inline tail) begins, from the start, in bytes.
    /// </summary>
    public int EndOfPack(long lcluster)
    {
        (_, int offset, int count) = PackOf(lcluster);
        return offset + PackSize(count);
    }

    public static int PackSize(int count) => count == SmallPack ? 8 : 32;

    private static int EncodedBits(int count) => (PackSize(count) - BlockNumberSize) * 8 / count;

    /// <summary>Reads one pack. Distances ahead are worked out; false if the pack contradicts itself.</summary>
    public bool TryParsePack(ReadOnlySpan<byte> pack, Span<ClusterRecord> records)
    {
        int count = records.Length, bits = EncodedBits(count), numberBits = NumberBits;
        Span<ClusterType> types = stackalloc ClusterType[LargePack];
        Span<int> numbers = stackalloc int[LargePack];
        for (int i = 0; i < count; i++)
        {
            int position = bits * i;
            uint value = BinaryPrimitives.ReadUInt32LittleEndian(pack[(position / 8)..]) >> (position & 7);
            numbers[i] = (int)(value & ((1u << numberBits) - 1));
            types[i] = (ClusterType)((value >> numberBits) & 3);
        }
        uint block = BinaryPrimitives.ReadUInt32LittleEndian(pack[(PackSize(count) - BlockNumberSize)..]);
        // Backwards, as each entry is to know how far ahead the next head is.
        int next = -1, last = numbers[count - 1];
        int beyond = (last & ClusterRecord.CountBit) != 0 ? 0 : Math.Max(0, last - 1);
        for (int i = count - 1; i >= 0; i--)
        {
            if (types[i] != ClusterType.NonHead)
            {
                next = i;
                if (!TryCountBlocks(types, numbers, i, out int before))
                    return false;
                records[i] = ClusterRecord.Head(types[i], numbers[i], block + (uint)before, false);
                continue;
            }
            int number = numbers[i], blocks = 0, back;
            if ((number & ClusterRecord.CountBit) != 0)
            {
                if (!IsBig)
                    return false;
                blocks = number & ~ClusterRecord.CountBit;
                back = 1;
            }
            else if (i + 1 < count)
            {
                back = number;
            }
            else
            {
                back = types[i - 1] != ClusterType.NonHead ? 1
                    : (numbers[i - 1] & ClusterRecord.CountBit) != 0 ? 2 : numbers[i - 1] + 1;
            }
            records[i] = new ClusterRecord(ClusterType.NonHead, 0, 0, (ushort)Math.Min(back, ushort.MaxValue),
                (ushort)(next >= 0 ? next - i : count - i + beyond), (ushort)blocks, false)
            {
                IsHole = number == ClusterRecord.CountBit,
            };
        }
        return true;
    }

    /// <summary>
    /// How many blocks the pack's heads before entry <paramref name="i"/> take up: the kernel's rule, walked backwards.
    /// Without big clusters the pack's number is one less than the first block.
    /// </summary>
    private bool TryCountBlocks(ReadOnlySpan<ClusterType> types, ReadOnlySpan<int> numbers, int i, out int blocks)
    {
        blocks = IsBig ? 0 : 1;
        while (i > 0)
        {
            i--;
            if (types[i] != ClusterType.NonHead)
            {
                blocks++;
                continue;
            }
            int number = numbers[i];
            if (!IsBig)
            {
                i -= number;
                if (i >= 0)
                    blocks++;
            }
            else if ((number & ClusterRecord.CountBit) != 0)
            {
                i--;
                blocks += number & ~ClusterRecord.CountBit;
            }
            else if (number <= 1)
            {
                return false;
            }
            else
            {
                i -= number - 2;
            }
        }
        return true;
    }

    /// <summary>
    /// Writes one pack, or returns false where its clusters do not lie behind one another or cannot be said in this form.
    /// </summary>
    public bool TryWritePack(ReadOnlySpan<ClusterRecord> records, Span<byte> pack)
    {
        int count = records.Length, bits = EncodedBits(count), numberBits = NumberBits;
        Span<ClusterType> types = stackalloc ClusterType[LargePack];
        Span<int> numbers = stackalloc int[LargePack];
        for (int i = 0; i < count; i++)
        {
            ref readonly ClusterRecord record = ref records[i];
            types[i] = record.Type;
            numbers[i] = record.IsHead ? record.Offset
                : record.Count > 0 || record.IsHole ? record.Count | ClusterRecord.CountBit
                : i + 1 < count ? record.Back
                : Math.Min(record.Ahead, (ushort)ClusterRecord.MaxBack);
            if (record.IsPartial || record.Count >= ClusterRecord.CountBit || (record.IsHead && record.IsHole))
                return false;
        }
        uint? shared = null;
        for (int i = 0; i < count; i++)
        {
            if (!records[i].IsHead || records[i].Block == AnyBlock)
                continue;
            if (!TryCountBlocks(types, numbers, i, out int before))
                return false;
            uint number = records[i].Block - (uint)before;
            if (shared is { } known && known != number)
                return false;
            shared = number;
        }
        int size = PackSize(count);
        pack[..size].Clear();
        for (int i = 0; i < count; i++)
        {
            int position = bits * i;
            ulong value = (ulong)((uint)types[i] << numberBits | (uint)numbers[i]) << (position & 7);
            for (int at = position / 8; value != 0; value >>= 8, at++)
                pack[at] |= (byte)value;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(pack[(size - BlockNumberSize)..], shared ?? 0);
        return true;
    }

    /// <summary>A head whose block nobody reads: an inline tail's, a fragment's.</summary>
    public const uint AnyBlock = uint.MaxValue;
}
