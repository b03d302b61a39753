using System.Numerics;
using Lamina.Archives;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>
/// Sparse files of GNU tar. All its forms say the same: a list of pieces by place in the file and length, which lie packed
/// behind each other in the archive. The list is in the header and blocks behind it (old GNU), in pax records (0.0, 0.1) or
/// before the data (1.0).
/// </summary>
internal static class TarSparse
{
    /// <summary>
    /// The most pieces of one file: those of an 8 GiB file of which every second 4 KiB are a hole. 32 MiB of memory.
    /// </summary>
    public const int MaxPieces = 1 << 20;

    /// <summary>The most digits of a number in a map before the data: those of 2^63.</summary>
    private const int MaxDigits = 19;

    /// <summary>
    /// Reads an old GNU map; <paramref name="offset"/> goes from behind the header to behind the map's last block.
    /// </summary>
    public static List<long> ReadOldMap(TarPlace place, TarWindow window, in TarHeader header, ref long offset)
    {
        List<long> map = [];
        bool isOpen = TakeOld(place, header.SparseMap, map);
        bool goesOn = header.SparseMapGoesOn;
        while (goesOn)
        {
            if (window.Length - offset < TarHeader.Size)
                throw place.Corrupt($"its sparse map is cut off, the archive ends at byte {window.Length}", offset);
            ReadOnlySpan<byte> block = window.Read(offset, TarHeader.Size);
            offset += TarHeader.Size;
            isOpen = isOpen && TakeOld(place, TarHeader.ExtensionMap(block), map);
            goesOn = TarHeader.ExtensionGoesOn(block);
        }
        return map;
    }

    /// <summary>
    /// Reads the map before the data (version 1.0): a number a line, the count of pieces first, padded to a block.
    /// </summary>
    public static List<long> ReadMapBeforeData(TarPlace place, TarWindow window, ref long dataOffset, ref long dataLength)
    {
        List<long> map = [];
        long wanted = -1, number = 0;
        int digits = 0;
        while (map.Count != wanted)
        {
            if (dataLength < TarHeader.Size)
                throw place.Corrupt("its sparse map does not end before its data does", dataOffset);
            foreach (byte b in window.Read(dataOffset, TarHeader.Size))
            {
                if (b == '\n' && digits > 0)
                {
                    if (wanted < 0)
                        wanted = 2 * Limited(place, number);
                    else
                        map.Add(number);
                    (number, digits) = (0, 0);
                    if (map.Count == wanted)
                        break;
                }
                else if (b is >= (byte)'0' and <= (byte)'9' && digits < MaxDigits && number <= (long.MaxValue - (b - '0')) / 10)
                {
                    number = number * 10 + (b - '0');
                    digits++;
                }
                else
                {
                    throw place.Corrupt("its sparse map is not a number a line", dataOffset);
                }
            }
            dataOffset += TarHeader.Size;
            dataLength -= TarHeader.Size;
        }
        return map;
    }

    /// <summary>Makes the content of a map and the packed data that it is about.</summary>
    public static PlacedContent Place(
        TarPlace place, Original archive, long size, long dataOffset, long dataLength, List<long> map)
    {
        Limited(place, map.Count / 2);
        List<PlacedExtent> extents = [];
        long end = 0, packed = 0;
        for (int i = 0; i + 1 < map.Count; i += 2)
        {
            (long logical, long length) = (map[i], map[i + 1]);
            if (logical < end || length < 0 || length > size || logical > size - length)
            {
                throw place.Corrupt(
                    $"piece {i / 2} of its sparse map, {length} bytes at {logical}, begins before {end} or ends past {size}");
            }
            if (length > dataLength - packed)
                throw place.Corrupt($"its sparse map is of more than the {dataLength} bytes of data that the archive has for it");
            if (length > 0 && extents.Count > 0 && logical == end)
                extents[^1] = extents[^1] with { Length = extents[^1].Length + length };
            else if (length > 0)
                extents.Add(new PlacedExtent(logical, archive, dataOffset + packed, length));
            end = logical + length;
            packed += length;
        }
        if (packed != dataLength)
            throw place.Corrupt($"its sparse map is of {packed} bytes of data, the archive has {dataLength}");
        return new PlacedContent(size, [.. extents], AlignmentOf(extents, size));
    }

    /// <summary>
    /// What all pieces begin at multiples of, and also end at where the file goes on: else a block of the archive would show data
    /// of the next piece where the file has a hole.
    /// </summary>
    private static int AlignmentOf(List<PlacedExtent> extents, long size)
    {
        long bits = TarHeader.Size;
        foreach (PlacedExtent extent in extents)
        {
            long end = extent.Logical + extent.Length;
            bits |= extent.Logical | extent.Offset | (end < size ? end : 0);
        }
        return 1 << BitOperations.TrailingZeroCount(bits);
    }

    /// <summary>Takes the entries of one block of an old map; false where the map ends.</summary>
    private static bool TakeOld(TarPlace place, ReadOnlySpan<byte> entries, List<long> map)
    {
        const int Half = TarHeader.SparseEntrySize / 2;
        for (; !entries.IsEmpty; entries = entries[TarHeader.SparseEntrySize..])
        {
            ReadOnlySpan<byte> logical = entries[..Half], length = entries[Half..TarHeader.SparseEntrySize];
            if (length[0] == 0)
                return false;
            if (!TarNumber.TryReadField(logical, out long first) || !TarNumber.TryReadField(length, out long count) || first < 0)
                throw place.Corrupt("its sparse map holds what is not a number of 0 or more");
            map.Add(first);
            map.Add(count);
            Limited(place, map.Count / 2);
        }
        return true;
    }

    private static long Limited(TarPlace place, long pieces) => pieces <= MaxPieces ? pieces
        : throw place.Unsupported($"a sparse file of {pieces} pieces, {MaxPieces} is the most");
}
