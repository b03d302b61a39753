namespace Lamina.Tree;

/// <summary>A point in time as file systems keep it.</summary>
/// <param name="Seconds">Seconds since 1970, negative before.</param>
/// <param name="Nanoseconds">0 to 999,999,999, counted forward also for negative seconds.</param>
public readonly record struct Timestamp(long Seconds, uint Nanoseconds);
