namespace Lamina.Bench;

/// <summary>One of the programs, or ways to call it, that are compared.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="Program">What is run.</param>
/// <param name="Arguments">With these.</param>
/// <param name="Output">The file it makes; it is removed before each run. Null for none.</param>
internal sealed record Contender(string Name, string Program, string[] Arguments, string? Output)
{
    /// <summary>Less often than the others, for one that takes very long; null for as often.</summary>
    public int? Runs { get; init; }
}

/// <summary>What came out for one contender.</summary>
internal sealed record Outcome(Contender Contender, Measurement Median, long OutputLength);

/// <summary>Runs contenders by turns, so that what else the machine does hits all alike.</summary>
internal static class Comparison
{
    /// <summary>
    /// Runs each contender <paramref name="runs"/> times, after one run that warms the page cache and does not count. Every round
    /// begins with another contender.
    /// </summary>
    public static Outcome[] Run(Contender[] contenders, int runs, Action? beforeEach = null)
    {
        List<Measurement>[] measured = [.. contenders.Select(_ => new List<Measurement>())];
        long[] lengths = new long[contenders.Length];
        for (int round = 0; round <= runs; round++)
        {
            for (int turn = 0; turn < contenders.Length; turn++)
            {
                int at = (turn + round) % contenders.Length;
                Contender contender = contenders[at];
                int wanted = contender.Runs ?? runs;
                bool isWarmUp = round == 0 && wanted > 1;
                if (round > wanted || (round == 0 && !isWarmUp))
                    continue;
                if (contender.Output is { } old)
                    File.Delete(old);
                beforeEach?.Invoke();
                Measurement one = Runner.Run(contender.Program, contender.Arguments);
                if (!isWarmUp)
                    measured[at].Add(one);
                if (contender.Output is { } made)
                    lengths[at] = new FileInfo(made).Length;
            }
        }
        foreach (Contender contender in contenders)
        {
            if (contender.Output is { } last)
                File.Delete(last);
        }
        return [.. contenders.Select((contender, i) => new Outcome(contender, Measurement.MedianOf(measured[i]), lengths[i]))];
    }
}
