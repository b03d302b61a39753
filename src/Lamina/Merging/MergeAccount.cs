using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>What happened to a name that more than one layer has.</summary>
public enum MergeOutcome
{
    /// <summary>The upper file replaces what is below.</summary>
    Replaced,

    /// <summary>A whiteout removes what is below.</summary>
    Removed,

    /// <summary>A directory hides the whole of what is below: it is opaque, or what is below is not a directory.</summary>
    Opaque,

    /// <summary>Directories of one name became one; metadata are the uppermost's.</summary>
    Merged,

    /// <summary>A directory that a layer has no entry for is a symbolic link below: what it holds lies where that
    /// leads.</summary>
    Followed,

    /// <summary>A hard link of a layer is a further name of a file that only layers below have.</summary>
    Linked,
}

/// <summary>One name that more than one layer has, and who won it.</summary>
/// <param name="Path">The path from the root, beginning with a slash, as bytes.</param>
/// <param name="Outcome">What happened.</param>
/// <param name="Winner">The layer that decided, as an index into the layers, lowest 0.</param>
/// <param name="Hidden">The layers whose file is hidden (or, for merged directories, joined), uppermost first.</param>
/// <param name="WastedBytes">File data that nobody can see any more, in bytes, before compression.</param>
public sealed record MergeEvent(ReadOnlyMemory<byte> Path, MergeOutcome Outcome, int Winner, int[] Hidden, long WastedBytes);

/// <summary>The account of who won: filled while the merged tree is read.</summary>
public sealed class MergeAccount
{
    private readonly List<MergeEvent> _events = [];
    private readonly Lock _lock = new();

    /// <summary>What happened so far, by path; directories may be read in any order, and by several threads.</summary>
    public IReadOnlyList<MergeEvent> Events
    {
        get
        {
            lock (_lock)
            {
                MergeEvent[] sorted = [.. _events];
                Array.Sort(sorted, static (a, b) => a.Path.Span.SequenceCompareTo(b.Path.Span));
                return sorted;
            }
        }
    }

    /// <summary>File data of all layers that nobody can see any more, in bytes, before compression.</summary>
    public long WastedBytes { get; private set; }

    internal void Add(MergeEvent what)
    {
        lock (_lock)
        {
            _events.Add(what);
            WastedBytes = ByteCounts.Add(WastedBytes, what.WastedBytes);
        }
    }

    /// <summary>The bytes of file data under a node, counted once for each name.</summary>
    internal static long BytesUnder(Node node, int depth = 0)
    {
        if (node.Type == NodeType.RegularFile)
            return node.Content.Size;
        if (!node.IsDirectory || depth > MergedListing.MaxDepth)
            return 0;
        long bytes = 0;
        foreach (Entry entry in node.Listing.Read())
            bytes = ByteCounts.Add(bytes, BytesUnder(entry.Node, depth + 1));
        return bytes;
    }
}
