using System.Numerics;

namespace Lamina.Compression;

/// <summary>Chooses between literals and copies, by looking one or two bytes ahead for a longer copy.</summary>
internal sealed unsafe class DeflateParser
{
    /// <summary>By level: places to look at, a length that is good enough, and how many bytes to look ahead.</summary>
    private static readonly (int Depth, int Nice, int Ahead)[] Levels =
    [
        (3, 24, 0), (5, 32, 0), (7, 32, 1), (12, 48, 1), (20, 64, 1), (35, 96, 1), (70, 130, 2), (150, 258, 2), (600, 258, 2),
    ];

    private readonly DeflateMatcher _matcher;
    private readonly int _depth;
    private readonly int _nice;
    private readonly int _ahead;
    private byte* _source;
    private int _length;

    /// <summary>Makes a parser.</summary>
    public DeflateParser(int level, int windowBits)
    {
        (_depth, _nice, _ahead) = Levels[level - 1];
        _matcher = new DeflateMatcher(windowBits, level > 2);
    }

    /// <summary>The place of the next token.</summary>
    public int Place { get; private set; }

    /// <summary>Whether all of the source became tokens.</summary>
    public bool IsAtEnd => Place >= _length;

    /// <summary>Begins a source, which must stay where it is.</summary>
    public void Start(byte* source, int length)
    {
        _source = source;
        _length = length;
        Place = 0;
        _matcher.Start(source, length);
    }

    /// <summary>Adds tokens to the open piece until it has so many, or a few more.</summary>
    public void Parse(DeflateTokens tokens, int wanted)
    {
        int stop = tokens.Count - tokens.Open + wanted, place = Place;
        while (tokens.Count < stop && place < _length && !tokens.IsFull)
        {
            int length = _matcher.Find(place, 2, _depth, _nice, out int distance);
            if (length < 3)
            {
                tokens.AddLiteral(_source[place++]);
                continue;
            }
            while (length < _nice && _ahead > 0 && !tokens.IsFull)
            {
                int next = _matcher.Find(place + 1, length - 1, _depth / 2, _nice, out int nextDistance);
                if (nextDistance != 0 && IsBetter(next, nextDistance, length, distance, 2))
                {
                    tokens.AddLiteral(_source[place++]);
                    (length, distance) = (next, nextDistance);
                    continue;
                }
                if (_ahead < 2)
                    break;
                next = _matcher.Find(place + 2, length - 1, _depth / 4, _nice, out nextDistance);
                if (nextDistance == 0 || !IsBetter(next, nextDistance, length, distance, 6))
                    break;
                tokens.AddLiteral(_source[place++]);
                tokens.AddLiteral(_source[place++]);
                (length, distance) = (next, nextDistance);
            }
            tokens.AddCopy(length, distance);
            place += length;
            _matcher.SkipTo(place);
        }
        Place = place;
    }

    /// <summary>
    /// Whether a later copy is worth the literals in front: a byte more counts as much as a distance 16 times as far.
    /// </summary>
    private static bool IsBetter(int next, int nextDistance, int length, int distance, int least) =>
        4 * (next - length) + BitOperations.Log2((uint)distance) - BitOperations.Log2((uint)nextDistance) > least;
}
