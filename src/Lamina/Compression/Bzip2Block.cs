using System.IO.Hashing;

namespace Lamina.Compression;

/// <summary>
/// Decodes a block of bzip2: Huffman codes, runs of zeros and moves to the front give the last column of all rotations of the
/// text, sorted; from that the text is followed byte by byte, and four equal bytes are followed by a count of more of them.
/// </summary>
internal sealed class Bzip2Block(int size)
{
    private const int MaxCodes = 6, GroupSize = 50, MaxSymbols = 258, MaxSelectors = 18002, RunA = 0, RunB = 1;

    private readonly uint[] _links = GC.AllocateUninitializedArray<uint>(size);  // a byte, and where the one behind it is
    private readonly Bzip2Code[] _codes = [.. Enumerable.Range(0, MaxCodes).Select(_ => new Bzip2Code())];
    private readonly byte[] _selectors = new byte[MaxSelectors], _lengths = new byte[MaxSymbols], _front = new byte[256];
    private readonly int[] _counts = new int[256];
    private int _length, _left, _equal, _repeat, _last;
    private readonly Crc32 _sum = new(s_crc);
    private uint _at;

    /// <summary>gzip's polynomial, but highest bit first.</summary>
    private static readonly Crc32ParameterSet s_crc =
        Crc32ParameterSet.Create(0x04C11DB7, uint.MaxValue, uint.MaxValue, reflectValues: false);

    /// <summary>The CRC of what was written.</summary>
    public uint Sum => _sum.GetCurrentHashAsUInt32();

    /// <summary>Reads a block. What is wrong; null if nothing is. The caller looks whether the input was long enough.</summary>
    public string? Read(ref HighBitReader reader)
    {
        if (reader.Take(1) != 0)
            return "is of a version before 0.9.5";
        int start = (int)reader.Take(24), symbols = ReadSymbols(ref reader);
        if (symbols == 0)
            return "has a block that uses no bytes";
        int codes = (int)reader.Take(3), selectors = (int)reader.Take(15);
        if (codes is < 2 or > MaxCodes || selectors == 0)
            return "has a block of a number of codes that cannot be";
        if (!ReadSelectors(ref reader, codes, selectors) || !ReadCodes(ref reader, codes, symbols + 2))
            return "has a block whose codes cannot be";
        if (!ReadColumn(ref reader, symbols, Math.Min(selectors, MaxSelectors)))
            return "has a block that cannot be decoded";
        if (start >= _length)
            return "has a block that begins behind its end";
        Link(start);
        return null;
    }

    /// <summary>Writes what comes next of the text; 0 at the end.</summary>
    public int Write(Span<byte> output)
    {
        int to = 0;
        while (to < output.Length)
        {
            if (_repeat > 0)
            {
                int count = Math.Min(_repeat, output.Length - to);
                output.Slice(to, count).Fill((byte)_last);
                to += count;
                _repeat -= count;
                continue;
            }
            if (_left == 0)
                break;
            uint link = _links[_at];
            int value = (int)(link & 0xFF);
            _at = link >> 8;
            _left--;
            if (_equal == 4)
            {
                _repeat = value;
                _equal = 0;
                continue;
            }
            _equal = value == _last ? _equal + 1 : 1;
            _last = value;
            output[to++] = (byte)value;
        }
        _sum.Append(output[..to]);
        return to;
    }

    /// <summary>Which bytes there are: 16 bits for the ranges of 16, then 16 for each of these.</summary>
    private int ReadSymbols(ref HighBitReader reader)
    {
        uint ranges = reader.Take(16);
        int count = 0;
        for (int range = 0; range < 16; range++)
        {
            if ((ranges & (0x8000u >> range)) == 0)
                continue;
            uint used = reader.Take(16);
            for (int i = 0; i < 16; i++)
            {
                if ((used & (0x8000u >> i)) != 0)
                    _front[count++] = (byte)((range * 16) + i);
            }
        }
        return count;
    }

    private bool ReadSelectors(ref HighBitReader reader, int codes, int selectors)
    {
        Span<byte> order = [0, 1, 2, 3, 4, 5];
        for (int i = 0; i < selectors; i++)
        {
            int place = 0;
            while (reader.Take(1) != 0)
            {
                if (++place >= codes)
                    return false;
            }
            byte code = order[place];
            order[..place].CopyTo(order[1..]);
            order[0] = code;
            if (i < MaxSelectors)                                       // more are of no use, and bzip2 passes over them
                _selectors[i] = code;
        }
        return true;
    }

    private bool ReadCodes(ref HighBitReader reader, int codes, int symbols)
    {
        for (int i = 0; i < codes; i++)
        {
            int length = (int)reader.Take(5);
            for (int symbol = 0; symbol < symbols; symbol++)
            {
                while (length is >= 1 and <= Bzip2Code.MaxBits && reader.Take(1) != 0)
                    length += reader.Take(1) == 0 ? 1 : -1;
                if (length is < 1 or > Bzip2Code.MaxBits || reader.IsOverrun)
                    return false;
                _lengths[symbol] = (byte)length;
            }
            if (!_codes[i].TryBuild(_lengths.AsSpan(0, symbols)))
                return false;
        }
        return true;
    }

    private bool ReadColumn(ref HighBitReader reader, int symbols, int selectors)
    {
        int end = symbols + 1, group = 0, inGroup = 0, run = 0, weight = 1;
        Span<byte> front = _front;
        Array.Clear(_counts);
        _length = 0;
        Bzip2Code code = _codes[0];
        while (true)
        {
            if (inGroup == 0)
            {
                if (group >= selectors || reader.IsOverrun)
                    return false;
                code = _codes[_selectors[group++]];
                inGroup = GroupSize;
            }
            inGroup--;
            int symbol = code.Read(ref reader);
            if (symbol < 0)
                return false;
            if (symbol <= RunB)
            {
                if (weight > size)
                    return false;
                run += weight << symbol;
                weight <<= 1;
                continue;
            }
            if (run > 0)
            {
                if (run > size - _length)
                    return false;
                _links.AsSpan(_length, run).Fill(front[0]);
                _counts[front[0]] += run;
                _length += run;
                (run, weight) = (0, 1);
            }
            if (symbol == end)
                return _length > 0;
            if (_length == size)
                return false;
            int place = symbol - 1;
            byte value = front[place];
            front[..place].CopyTo(front[1..]);
            front[0] = value;
            _links[_length++] = value;
            _counts[value]++;
        }
    }

    /// <summary>Makes of the column a chain: the n-th byte x of it is behind the n-th row that begins with x.</summary>
    private void Link(int start)
    {
        int sum = 0;
        for (int value = 0; value < 256; value++)
        {
            int count = _counts[value];
            _counts[value] = sum;
            sum += count;
        }
        for (int i = 0; i < _length; i++)
        {
            int value = (int)(_links[i] & 0xFF);
            _links[_counts[value]++] |= (uint)i << 8;
        }
        _at = _links[start] >> 8;
        _left = _length;
        (_equal, _repeat, _last) = (0, 0, -1);
        _sum.Reset();
    }
}
