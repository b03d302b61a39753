namespace Lamina.Tree;

/// <summary>A point in time as file systems keep it.</summary>
/// <param name="Seconds">Seconds since 1970, negative before.</param>
/// <param name="Nanoseconds">0 to 999,999,999, counted forward also for negative seconds.</param>
public readonly record struct Timestamp(long Seconds, uint Nanoseconds)
{
    /// <summary>
    /// The same in the form of the base library, in UTC: to 100 ns, and what lies outside of the years 1 to 9999 as the first or
    /// the last of its times.
    /// </summary>
    public DateTimeOffset ToDateTimeOffset()
    {
        DateTimeOffset first = DateTimeOffset.MinValue, last = DateTimeOffset.MaxValue;
        if (Seconds < first.ToUnixTimeSeconds())
            return first;
        if (Seconds > last.ToUnixTimeSeconds())
            return last;
        return DateTimeOffset.FromUnixTimeSeconds(Seconds).AddTicks(Nanoseconds / TimeSpan.NanosecondsPerTick);
    }
}
