using Lamina.Archives;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>What pax records say of an entry. What they leave open is null, and the entry's own header decides.</summary>
internal sealed class TarPax(int xattrLimit)
{
    /// <summary>
    /// The most that a pax header may hold, in bytes, and the attributes of one entry: sixteen of the largest attributes, far
    /// more than a file system keeps for a file.
    /// </summary>
    public const int MaxHeaderLength = 1 << 20;

    /// <summary>The most bytes of attributes in global headers: every entry that follows is charged with them.</summary>
    public const int MaxGlobalXattrLength = 4096;

    private byte[] _xattrs = [];
    private int _xattrsLength;

    public byte[]? Path { get; private set; }

    public byte[]? LinkPath { get; private set; }

    public long? Size { get; private set; }

    public long? UserId { get; private set; }

    public long? GroupId { get; private set; }

    public long? Major { get; private set; }

    public long? Minor { get; private set; }

    public Timestamp? Modified { get; private set; }

    /// <summary>GNU sparse files: the file's name; <see cref="Path"/> is one made up for tools that do not know them.</summary>
    public byte[]? SparseName { get; private set; }

    /// <summary>GNU sparse files: the size with holes.</summary>
    public long? SparseSize { get; private set; }

    public long? SparseMajor { get; private set; }

    public long? SparseMinor { get; private set; }

    public long? SparseCount { get; private set; }

    /// <summary>GNU sparse files of version 0: offsets and lengths by turns.</summary>
    public List<long>? SparseMap { get; private set; }

    /// <summary>The records that are about extended attributes, as they stand.</summary>
    public ReadOnlySpan<byte> XattrRecords => _xattrs.AsSpan(0, _xattrsLength);

    /// <summary>Starts from what global headers said.</summary>
    public void Reset(TarPax? global)
    {
        Path = global?.Path;
        LinkPath = global?.LinkPath;
        Size = global?.Size;
        UserId = global?.UserId;
        GroupId = global?.GroupId;
        Major = global?.Major;
        Minor = global?.Minor;
        Modified = global?.Modified;
        SparseName = null;                                              // a sparse map is of one file: a global one is nobody's
        SparseSize = SparseMajor = SparseMinor = SparseCount = null;
        SparseMap = null;
        _xattrsLength = 0;
        global?.XattrRecords.CopyTo(Reserve(global._xattrsLength));
    }

    /// <summary>
    /// Takes the records of one header over those that were read before. An empty value takes back what was said before.
    /// </summary>
    public void Read(TarPlace place, ReadOnlySpan<byte> bytes)
    {
        TarPaxRecords records = new(place, bytes);
        while (records.MoveNext())
            Take(place, records);
        if (SparseMap is { } map && ((map.Count & 1) != 0 || (SparseCount is { } count && count != map.Count / 2)))
        {
            throw place.Corrupt(SparseCount is { } pieces
                ? $"its sparse map has {map.Count} numbers, two for each of {pieces} pieces were expected"
                : $"its sparse map has {map.Count} numbers, two for each piece were expected");
        }
    }

    private void Take(TarPlace place, in TarPaxRecords record)
    {
        ReadOnlySpan<byte> key = record.Key, value = record.Value;
        if (key.SequenceEqual("mtime"u8))
            Modified = value.IsEmpty ? null : Time(place, value);
        else if (key.SequenceEqual("path"u8))
            Path = Name(value);
        else if (key.SequenceEqual("linkpath"u8))
            LinkPath = Name(value);
        else if (key.SequenceEqual("size"u8))
            Size = Number(place, record);
        else if (key.SequenceEqual("uid"u8))
            UserId = Number(place, record);
        else if (key.SequenceEqual("gid"u8))
            GroupId = Number(place, record);
        else if (key.SequenceEqual("SCHILY.devmajor"u8))
            Major = Number(place, record);
        else if (key.SequenceEqual("SCHILY.devminor"u8))
            Minor = Number(place, record);
        else if (TarXattrs.IsXattr(key))
            KeepXattr(place, record.Record);
        else if (key.StartsWith("GNU.sparse."u8))
            TakeSparse(place, record, key["GNU.sparse.".Length..]);
    }

    private void TakeSparse(TarPlace place, in TarPaxRecords record, ReadOnlySpan<byte> key)
    {
        if (key.SequenceEqual("name"u8))
            SparseName = Name(record.Value);
        else if (key.SequenceEqual("size"u8) || key.SequenceEqual("realsize"u8))
            SparseSize = Number(place, record);
        else if (key.SequenceEqual("major"u8))
            SparseMajor = Number(place, record);
        else if (key.SequenceEqual("minor"u8))
            SparseMinor = Number(place, record);
        else if (key.SequenceEqual("numblocks"u8))
            (SparseCount, SparseMap) = (Number(place, record), SparseMap ?? []);
        else if (key.SequenceEqual("offset"u8))
            Turn(place, record, 0);
        else if (key.SequenceEqual("numbytes"u8))
            Turn(place, record, 1);
        else if (key.SequenceEqual("map"u8))
            TakeMap(place, record.Value);
    }

    private void Turn(TarPlace place, in TarPaxRecords record, int turn)
    {
        SparseMap ??= [];
        if ((SparseMap.Count & 1) != turn || Number(place, record) is not { } number)
            throw place.Corrupt($"the pax record {TarPlace.Show(record.Record)} is not in turn: offset, numbytes, offset, ...");
        SparseMap.Add(number);
    }

    private void TakeMap(TarPlace place, ReadOnlySpan<byte> text)
    {
        SparseMap = [];
        if (text.IsEmpty)
            return;
        foreach (Range part in text.Split((byte)','))
        {
            if (!TarNumber.TryReadDecimal(text[part], out long number))
                throw place.Corrupt($"its sparse map holds {TarPlace.Show(text[part])}, which is not a number");
            SparseMap.Add(number);
        }
    }

    private static byte[]? Name(ReadOnlySpan<byte> value) => value.IsEmpty ? null : value.ToArray();

    private static long? Number(TarPlace place, in TarPaxRecords record)
    {
        if (record.Value.IsEmpty)
            return null;
        return TarNumber.TryReadDecimal(record.Value, out long number) && number >= 0 ? number
            : throw place.Corrupt($"the pax record {TarPlace.Show(record.Record)} has no number of 0 or more");
    }

    private static Timestamp Time(TarPlace place, ReadOnlySpan<byte> value) =>
        TarNumber.TryReadTime(value, out Timestamp time) ? time
            : throw place.Corrupt($"its time {TarPlace.Show(value)} is not a number of seconds");

    private void KeepXattr(TarPlace place, ReadOnlySpan<byte> record)
    {
        if (record.Length > xattrLimit - _xattrsLength)
            throw place.Unsupported($"more than {xattrLimit} bytes of extended attributes");
        record.CopyTo(Reserve(record.Length));
    }

    private Span<byte> Reserve(int length)
    {
        if (_xattrs.Length - _xattrsLength < length)
            Array.Resize(ref _xattrs, Math.Max(_xattrsLength + length, 2 * _xattrs.Length));
        _xattrsLength += length;
        return _xattrs.AsSpan(_xattrsLength - length, length);
    }
}
