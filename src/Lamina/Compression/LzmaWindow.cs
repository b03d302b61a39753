namespace Lamina.Compression;

/// <summary>
/// What an LZMA decoder has put out, as far back as copies may go. It grows with what is decoded, not with what a header claims,
/// and moves by multiples of 16, as the position decides which probabilities are used.
/// </summary>
/// <param name="dictionary">How far back copies may go, as the header says.</param>
internal sealed class LzmaWindow(uint dictionary)
{
    /// <summary>How far back a copy can go at most: twice what xz -9 takes. Memory has to be bounded.</summary>
    public const int MaxDictionary = 128 << 20;

    private const int Start = 1 << 20, Unit = 16;

    private byte[] _bytes = [];
    private int _taken;

    /// <summary>The bytes, with room behind the end.</summary>
    public Span<byte> Bytes => _bytes;

    /// <summary>Where output goes on.</summary>
    public int End { get; set; }

    /// <summary>How far back a copy may go.</summary>
    public int Reach { get; } = (int)Math.Min(dictionary, MaxDictionary);

    /// <summary>What was put out since it was last asked.</summary>
    public ReadOnlySpan<byte> TakeNew()
    {
        ReadOnlySpan<byte> run = _bytes.AsSpan(_taken, End - _taken);
        _taken = End;
        return run;
    }

    /// <summary>Forgets what was put out: nothing refers to it any more.</summary>
    public void Clear() => End = _taken = 0;

    /// <summary>Makes room for some bytes; all that was put out must have been taken.</summary>
    /// <returns>False if copies may go further back than can be kept.</returns>
    public bool TryMakeRoom(int count)
    {
        if (_bytes.Length - End >= count)
            return true;
        int kept = Math.Min(End, (Reach + Unit - 1) & -Unit), most = Reach + Math.Max(2 * count, Reach / 4) + Unit;
        byte[] old = _bytes;
        if (_bytes.Length < most)
        {
            int size = Math.Min(most, Math.Max(Math.Max(Start, End + count), 2 * _bytes.Length));
            _bytes = GC.AllocateUninitializedArray<byte>(size);
            if (size - End >= count)
                kept = End;                                             // all of it fits
        }
        if (kept < End && dictionary > MaxDictionary)
            return false;
        int from = (End - kept) & -Unit;
        old.AsSpan(from, End - from).CopyTo(_bytes);
        End = _taken = End - from;
        return true;
    }
}
