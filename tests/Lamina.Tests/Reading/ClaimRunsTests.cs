using Lamina.Describing;
using Lamina.Reading;

namespace Lamina.Tests.Reading;

/// <summary>What is noted of a million files is read in order, whatever order it came in.</summary>
public class ClaimRunsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(32768)]
    [InlineData(100_000)]
    public void Claims_come_out_in_their_order_and_whole(int count)
    {
        Random random = new(count);
        ClaimRuns runs = new();
        List<RegionClaim> expected = [];
        for (int i = 0; i < count; i++)
        {
            long start = random.Next(8) == 0 ? random.NextInt64(long.MaxValue / 2) : random.Next(1 << 20);
            RegionClaim claim = new()
            {
                Start = start,
                End = start + random.Next(1, 1 << random.Next(1, 31)),
                Logical = random.Next(3) == 0 ? random.NextInt64(long.MinValue, long.MaxValue) : 0,
                Length = random.Next(3) == 0 ? random.Next() : 0,
                Owner = random.Next(3) == 0 ? -random.Next(1, 100) : i,
                Kind = (byte)random.Next(256),
                Flags = (byte)(random.Next(2) * random.Next(256)),
                Use = (byte)random.Next(256),
            };
            runs.Add(claim);
            expected.Add(claim);
        }
        expected.Sort();
        Assert.Equal(expected, runs.InOrder());
        Assert.Equal(expected, runs.InOrder());
    }

    [Fact]
    public void A_node_number_is_new_once()
    {
        VisitedNodes visited = new();
        ulong[] numbers = [0, 1, 63, 64, 1023, 1024, 1UL << 40, 1UL << 63, ulong.MaxValue];
        Assert.All(numbers, number => Assert.True(visited.Add(number)));
        Assert.All(numbers, number => Assert.False(visited.Add(number)));
        Assert.True(visited.Add(65));
    }
}
