namespace Lamina.Archives;

/// <summary>What a decoder has put out: what nobody took yet, and what copies may still refer to.</summary>
/// <param name="size">Bytes in all.</param>
/// <param name="history">How many of those behind a taken run are kept.</param>
internal sealed class Window(int size, int history)
{
    private int _taken;

    /// <summary>The bytes.</summary>
    public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(size);

    /// <summary>Where output goes on.</summary>
    public int End { get; set; }

    /// <summary>Forgets all.</summary>
    public void Clear() => End = _taken = 0;

    /// <summary>What was put out since the last call.</summary>
    public ReadOnlySpan<byte> TakeNew()
    {
        ReadOnlySpan<byte> run = Bytes.AsSpan(_taken, End - _taken);
        _taken = End;
        return run;
    }

    /// <summary>Makes room where less than some is left; all must have been taken.</summary>
    public void MakeRoom(int wanted)
    {
        if (Bytes.Length - End >= wanted || End <= history)
            return;
        Bytes.AsSpan(End - history, history).CopyTo(Bytes);
        End = _taken = history;
    }
}
