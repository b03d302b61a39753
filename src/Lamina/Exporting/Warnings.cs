using Lamina.Tree;
namespace Lamina.Exporting;

/// <summary>Gathers what went less than well, from all threads; the same trouble with many files is told once.</summary>
internal sealed class Warnings
{
    private readonly Dictionary<string, (long Count, byte[] First)> _all = [];
    private readonly Lock _lock = new();

    /// <summary>Adds trouble with a file.</summary>
    public void Add(ItemPath path, string what)
    {
        byte[] bytes = path.ToBytes();
        lock (_lock)
        {
            (long count, byte[] first) = _all.GetValueOrDefault(what, (0, bytes));
            _all[what] = (count + 1, bytes.AsSpan().SequenceCompareTo(first) < 0 ? bytes : first);
        }
    }

    /// <summary>The warnings in an order that does not depend on threads.</summary>
    public IReadOnlyList<string> ToList()
    {
        lock (_lock)
        {
            return [.. _all
                .OrderBy(pair => pair.Key, StringComparer.Ordinal)
                .Select(pair => Line(pair.Value.First, pair.Value.Count, pair.Key))];
        }
    }

    private static string Line(byte[] path, long count, string what)
    {
        string first = path.Length == 0 ? "/" : ShownText.Of(path);
        return count == 1 ? $"{first}: {what}" : $"{first} and {count - 1} more: {what}";
    }
}
