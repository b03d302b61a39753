namespace Lamina.Compression;

/// <summary>Tokens in order, in pieces of about the same number, with what symbols each piece has.</summary>
internal sealed class DeflateTokens
{
    /// <summary>The most tokens that are held: enough for most clusters of 64 KiB, and for good blocks of a longer one.</summary>
    public const int MaxTokens = 1 << 16;

    /// <summary>Symbols of both kinds, distances behind literals and lengths.</summary>
    public const int Symbols = DeflateSymbols.Literals + DeflateSymbols.Distances;

    private const int MinPiece = 256;

    private readonly uint[] _tokens = new uint[MaxTokens];
    private readonly int[] _counts = new int[(MaxTokens / MinPiece + 1) * Symbols];
    private readonly int[] _ends = new int[MaxTokens / MinPiece + 1];
    private int _from;

    /// <summary>How many tokens there are.</summary>
    public int Count { get; private set; }

    /// <summary>How many pieces are closed.</summary>
    public int Pieces { get; private set; }

    /// <summary>How many tokens the open piece has.</summary>
    public int Open => Count - (Pieces == 0 ? 0 : _ends[Pieces - 1]);

    /// <summary>Whether no more tokens should be added.</summary>
    public bool IsFull => Count > MaxTokens - 8 || Pieces >= MaxTokens / MinPiece;

    /// <summary>Begins without tokens.</summary>
    public void Clear()
    {
        Count = 0;
        Pieces = 0;
        _from = 0;
        _counts.AsSpan(0, Symbols).Clear();
    }

    /// <summary>Adds a literal.</summary>
    public void AddLiteral(byte value)
    {
        _tokens[Count++] = value;
        _counts[_from + value]++;
    }

    /// <summary>Adds a copy.</summary>
    public void AddCopy(int length, int distance)
    {
        uint token = DeflateSymbols.Copy(length, distance);
        _tokens[Count++] = token;
        _counts[_from + DeflateSymbols.LengthSymbol(token)]++;
        _counts[_from + DeflateSymbols.Literals + DeflateSymbols.DistanceSymbol(token)]++;
    }

    /// <summary>Ends the open piece.</summary>
    public void Close()
    {
        _ends[Pieces++] = Count;
        _from += Symbols;
        _counts.AsSpan(_from, Symbols).Clear();
    }

    /// <summary>The symbols of a piece.</summary>
    public Span<int> CountsOf(int piece) => _counts.AsSpan(piece * Symbols, Symbols);

    /// <summary>The tokens of some pieces.</summary>
    public ReadOnlySpan<uint> Slice(int first, int behind)
    {
        int start = first == 0 ? 0 : _ends[first - 1];
        return _tokens.AsSpan(start, _ends[behind - 1] - start);
    }
}
