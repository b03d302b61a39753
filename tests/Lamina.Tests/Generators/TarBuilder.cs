using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Lamina.Tests.Generators;

/// <summary>The dialect a header is written in.</summary>
internal enum TarForm
{
    V7,
    Ustar,
    Gnu,
}

/// <summary>The fields of one header, before they are bytes.</summary>
internal sealed record TarFields
{
    public char Type { get; init; } = '0';
    public byte[] Name { get; init; } = [];
    public byte[] Prefix { get; init; } = [];
    public byte[] Link { get; init; } = [];
    public long Mode { get; init; } = 0x1A4;                           // 0644
    public long UserId { get; init; }
    public long GroupId { get; init; }
    public long Modified { get; init; }
    public long Major { get; init; }
    public long Minor { get; init; }

    /// <summary>The size field, where it is not the length of the data.</summary>
    public long? Size { get; init; }

    public TarForm Form { get; init; } = TarForm.Ustar;

    /// <summary>Changes the finished block before it is summed.</summary>
    public Action<byte[]>? Patch { get; init; }

    public bool HasSignedSum { get; init; }
}

/// <summary>Writes tar archives byte by byte, the sound ones and the others, and shares no code with what reads them.</summary>
internal sealed class TarBuilder
{
    private const int Block = 512;
    private readonly MemoryStream _stream = new();

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public long Length => _stream.Length;

    public TarBuilder Add(TarFields fields, ReadOnlySpan<byte> data = default)
    {
        _stream.Write(Header(fields, data.Length));
        return Raw(data).Pad();
    }

    public TarBuilder File(string name, string data = "", TarForm form = TarForm.Ustar) =>
        Add(new TarFields { Name = Bytes(name), Form = form }, Bytes(data));

    public TarBuilder Directory(string name, long mode = 0x1ED, long modified = 0) =>
        Add(new TarFields { Type = '5', Name = Bytes(name), Mode = mode, Modified = modified });

    public TarBuilder Link(string name, string target) =>
        Add(new TarFields { Type = '1', Name = Bytes(name), Link = Bytes(target) });

    public TarBuilder Symlink(string name, string target) =>
        Add(new TarFields { Type = '2', Name = Bytes(name), Link = Bytes(target) });

    public TarBuilder Device(char type, string name, long major, long minor) =>
        Add(new TarFields { Type = type, Name = Bytes(name), Major = major, Minor = minor });

    public TarBuilder Pax(params (string Key, byte[] Value)[] records) => PaxHeader('x', records);

    public TarBuilder Pax(params (string Key, string Value)[] records) =>
        PaxHeader('x', [.. records.Select(record => (record.Key, Bytes(record.Value)))]);

    public TarBuilder GlobalPax(params (string Key, string Value)[] records) =>
        PaxHeader('g', [.. records.Select(record => (record.Key, Bytes(record.Value)))]);

    /// <summary>A pax header whose records are given as they stand, sound or not.</summary>
    public TarBuilder RawPax(string records, char type = 'x') =>
        Add(new TarFields { Type = type, Name = Bytes("PaxHeaders/x") }, Bytes(records));

    public TarBuilder LongName(char type, string name) =>
        Add(new TarFields { Type = type, Name = Bytes("././@LongLink"), Form = TarForm.Gnu }, [.. Bytes(name), 0]);

    /// <summary>
    /// A sparse file in the header of old GNU tar, with extension blocks behind it where it has more than four pieces.
    /// </summary>
    public TarBuilder OldSparse(string name, long realSize, params (long Offset, byte[] Data)[] pieces)
    {
        int inHeader = Math.Min(4, pieces.Length);
        byte[] packed = [.. pieces.SelectMany(piece => piece.Data)];
        _stream.Write(Header(new TarFields
        {
            Type = 'S',
            Name = Bytes(name),
            Form = TarForm.Gnu,
            Patch = block =>
            {
                for (int i = 0; i < inHeader; i++)
                    PutPiece(block.AsSpan(386 + 24 * i), pieces[i].Offset, pieces[i].Data.Length);
                block[482] = (byte)(pieces.Length > 4 ? 1 : 0);
                PutNumber(block.AsSpan(483, 12), realSize);
            },
        }, packed.Length));
        for (int at = inHeader; at < pieces.Length; at += 21)
        {
            byte[] block = new byte[Block];
            for (int i = 0; i < Math.Min(21, pieces.Length - at); i++)
                PutPiece(block.AsSpan(24 * i), pieces[at + i].Offset, pieces[at + i].Data.Length);
            block[504] = (byte)(pieces.Length - at > 21 ? 1 : 0);
            _stream.Write(block);
        }
        return Raw(packed).Pad();
    }

    /// <summary>A sparse file in pax records of version 0.0, 0.1 or 1.0.</summary>
    public TarBuilder PaxSparse(string version, string name, long realSize, params (long Offset, byte[] Data)[] pieces)
    {
        string size = realSize.ToString(CultureInfo.InvariantCulture), count = $"{pieces.Length}";
        byte[] packed = [.. pieces.SelectMany(piece => piece.Data)];
        List<(string, string)> records = [];
        if (version == "1.0")
        {
            records.AddRange([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", name)]);
            records.Add(("GNU.sparse.realsize", size));
            byte[] map = Bytes(count + "\n" + string.Concat(pieces.Select(piece => $"{piece.Offset}\n{piece.Data.Length}\n")));
            packed = [.. map, .. new byte[-map.Length & (Block - 1)], .. packed];
        }
        else
        {
            records.AddRange([("GNU.sparse.size", size), ("GNU.sparse.numblocks", count)]);
            if (version == "0.0")
                foreach ((long offset, byte[] data) in pieces)
                    records.AddRange([("GNU.sparse.offset", $"{offset}"), ("GNU.sparse.numbytes", $"{data.Length}")]);
            else
                records.AddRange([("GNU.sparse.name", name),
                    ("GNU.sparse.map", string.Join(',', pieces.Select(piece => $"{piece.Offset},{piece.Data.Length}")))]);
        }
        string inHeader = version == "0.0" ? name : "GNUSparseFile.0/" + name;
        return Pax([.. records]).Add(new TarFields { Name = Bytes(inHeader) }, packed);
    }

    public TarBuilder Raw(ReadOnlySpan<byte> bytes)
    {
        _stream.Write(bytes);
        return this;
    }

    public TarBuilder End() => Raw(new byte[2 * Block]);

    public byte[] ToArray() => _stream.ToArray();

    public ByteSource ToSource() => ByteSource.FromMemory("test.tar", ToArray());

    /// <summary>One record: its length counts its own digits.</summary>
    public static byte[] Record(string key, byte[] value)
    {
        int rest = Encoding.UTF8.GetByteCount(key) + value.Length + 3, length = rest;
        while (length != rest + length.ToString(CultureInfo.InvariantCulture).Length)
            length = rest + length.ToString(CultureInfo.InvariantCulture).Length;
        return [.. Bytes($"{length} {key}="), .. value, (byte)'\n'];
    }

    /// <summary>Writes the sum of a header anew, after a test has changed it.</summary>
    public static void Sum(Span<byte> block, bool signed = false)
    {
        block.Slice(148, 8).Fill((byte)' ');
        int sum = 0;
        foreach (byte b in block[..Block])
            sum += signed ? (sbyte)b : b;
        Bytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(block[148..]);
    }

    private TarBuilder PaxHeader(char type, (string Key, byte[] Value)[] records) =>
        Add(new TarFields { Type = type, Name = Bytes("PaxHeaders/x") },
            records.SelectMany(record => Record(record.Key, record.Value)).ToArray());

    private TarBuilder Pad() => Raw(new byte[-(int)_stream.Length & (Block - 1)]);

    private static byte[] Header(TarFields fields, long length)
    {
        byte[] block = new byte[Block];
        fields.Name.CopyTo(block, 0);
        PutNumber(block.AsSpan(100, 8), fields.Mode);
        PutNumber(block.AsSpan(108, 8), fields.UserId);
        PutNumber(block.AsSpan(116, 8), fields.GroupId);
        PutNumber(block.AsSpan(124, 12), fields.Size ?? length);
        PutNumber(block.AsSpan(136, 12), fields.Modified);
        block[156] = (byte)fields.Type;
        fields.Link.CopyTo(block, 157);
        if (fields.Form != TarForm.V7)
        {
            Bytes(fields.Form == TarForm.Gnu ? "ustar  \0" : "ustar\0" + "00").CopyTo(block, 257);
            PutNumber(block.AsSpan(329, 8), fields.Major);
            PutNumber(block.AsSpan(337, 8), fields.Minor);
            fields.Prefix.CopyTo(block, 345);
        }
        fields.Patch?.Invoke(block);
        Sum(block, fields.HasSignedSum);
        return block;
    }

    private static void PutPiece(Span<byte> at, long offset, long length)
    {
        PutNumber(at[..12], offset);
        PutNumber(at.Slice(12, 12), length);
    }

    /// <summary>Octal digits and a NUL; what they cannot hold, as base-256.</summary>
    private static void PutNumber(Span<byte> field, long number)
    {
        if (number >= 0 && number < 1L << (3 * (field.Length - 1)))
        {
            Bytes(Convert.ToString(number, 8).PadLeft(field.Length - 1, '0')).CopyTo(field);
            return;
        }
        field.Fill((byte)(number < 0 ? 0xFF : 0));
        BinaryPrimitives.WriteInt64BigEndian(field[^8..], number);
        field[0] |= 0x80;
    }
}
