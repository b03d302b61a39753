using Lamina.Tree;

namespace Lamina.Tests.Generators;

/// <summary>Data that codecs have something to do with: words, zeros, noise, and changes from one to the other.</summary>
internal static class Compressible
{
    private static readonly int[] s_sizes =
        [0, 1, 23, 24, 25, 100, 2000, 4095, 4096, 4097, 8191, 8193, 40_000, 65_536, 131_072, 131_073, 300_001, 1_400_000];

    /// <summary>Files of sizes around all boundaries, some of them equal, and a hard link.</summary>
    /// <param name="seed">What the data are thrown by.</param>
    /// <param name="isSlow">Whether large files are left out, for codecs that take their time.</param>
    public static Node Tree(int seed, bool isSlow = false)
    {
        Random dice = new(seed);
        List<(string, Node)> entries = [];
        foreach (int size in isSlow ? s_sizes[..^2] : s_sizes)
        {
            for (int kind = 0; kind < 4; kind++)
                entries.Add(($"{size}-{kind}.{"abc"[kind % 3]}", Grow.File(Data(dice, size, kind))));
        }
        Node linked = Grow.File(Data(dice, 200_000, 3));
        byte[] twice = Data(dice, 70_000, 0);
        return Grow.Directory([.. entries, ("link", linked), ("dir", Grow.Directory(("other", linked),
            ("equal", Grow.File(twice)),
            ("large", Grow.File(Data(dice, isSlow ? 300_000 : 10_000_000, 3))))), ("equal", Grow.File(twice)),
            ("symbolic", Grow.Link("dir/other"))]);
    }

    /// <summary>Some data: words (0), noise (1), one byte (2), or all of them by turns (3).</summary>
    public static byte[] Data(Random dice, int size, int kind)
    {
        byte[] data = new byte[size];
        for (int at = 0; at < size;)
        {
            int count = Math.Min(size - at, kind == 3 ? dice.Next(1, 60_000) : size);
            Fill(dice, data.AsSpan(at, count), kind == 3 ? dice.Next(3) : kind);
            at += count;
        }
        return data;
    }

    private static void Fill(Random dice, Span<byte> data, int kind)
    {
        switch (kind)
        {
            case 0:
                for (int at = 0; at < data.Length;)
                {
                    // Words that come again, as in text.
                    Random word = new(dice.Next(dice.Next(1, 3000)));
                    for (int left = word.Next(2, 12); left > 0 && at < data.Length; left--)
                        data[at++] = (byte)word.Next('a', 'z' + 1);
                    if (at < data.Length)
                        data[at++] = (byte)' ';
                }
                break;
            case 1:
                dice.NextBytes(data);
                break;
            default:
                data.Fill((byte)dice.Next(256));
                break;
        }
    }
}
