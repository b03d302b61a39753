using System.Runtime.ExceptionServices;

namespace Lamina.Reading;

/// <summary>Loops on several threads whose failures are as those of a loop on one: the first, and not a list of them.</summary>
internal static class InParallel
{
    /// <summary>Does something for each index.</summary>
    /// <param name="count">How many indexes.</param>
    /// <param name="degree">How many threads at most.</param>
    /// <param name="action">What is done.</param>
    /// <param name="cancellation">Stops the loop.</param>
    public static void For(int count, int degree, Action<int> action, CancellationToken cancellation = default)
    {
        try
        {
            ParallelOptions options = new() { MaxDegreeOfParallelism = Math.Max(1, degree), CancellationToken = cancellation };
            Parallel.For(0, count, options, action);
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }
    }
}
