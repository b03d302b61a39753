namespace Lamina.Compression;

/// <summary>
/// The probabilities of an LZMA copy's length: 2 to 9 and 10 to 17 by position, 18 to 273 for all positions together.
/// </summary>
internal sealed class LzmaLengths
{
    private const int MinCopy = 2;
    private const int ShortBits = 3;
    private const int ShortCount = 1 << ShortBits;
    private const int LongBits = 8;
    private const int Positions = 1 << LzmaProperties.MaxPosition;

    private readonly ushort[] _choices = new ushort[2];
    private readonly ushort[] _low = new ushort[Positions << ShortBits];
    private readonly ushort[] _middle = new ushort[Positions << ShortBits];
    private readonly ushort[] _high = new ushort[1 << LongBits];

    public void Reset()
    {
        _choices.AsSpan().Fill(RangeReader.Even);
        _low.AsSpan().Fill(RangeReader.Even);
        _middle.AsSpan().Fill(RangeReader.Even);
        _high.AsSpan().Fill(RangeReader.Even);
    }

    public uint Read(ref RangeReader reader, uint position)
    {
        int row = (int)position << ShortBits;
        if (reader.ReadBit(ref _choices[0]) == 0)
            return MinCopy + reader.ReadTree(_low.AsSpan(row, ShortCount), ShortBits);
        if (reader.ReadBit(ref _choices[1]) == 0)
            return MinCopy + ShortCount + reader.ReadTree(_middle.AsSpan(row, ShortCount), ShortBits);
        return MinCopy + (2 * ShortCount) + reader.ReadTree(_high, LongBits);
    }
}
