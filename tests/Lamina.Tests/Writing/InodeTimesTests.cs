using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Writing;

/// <summary>Which times a compact inode can have.</summary>
public class InodeTimesTests
{
    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(0, uint.MaxValue, true)]
    [InlineData(0, 1L + uint.MaxValue, false)]
    [InlineData(5, 4, false)]
    [InlineData(-2, long.MaxValue, false)]          // farther apart than a signed number holds
    [InlineData(long.MinValue, long.MaxValue, false)]
    public void A_compact_inode_holds_2_to_the_32_seconds_from_the_epoch_on(long epoch, long seconds, bool isHeld) =>
        Assert.Equal(isHeld, new InodeTimes(epoch, 0, true).Holds(new Timestamp(seconds, 0)));
}
