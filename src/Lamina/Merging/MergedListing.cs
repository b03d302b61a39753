using System.Buffers;
using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>
/// A directory of the merged tree: the sorted listings of its layers, walked together. A heap holds the next name of each, so a
/// directory that a thousand layers have costs no more than its names do.
/// </summary>
internal sealed class MergedListing(MergeContext context, MergeSource[] sources, MergePath? path,
    bool isClosed) : DirectoryListing
{
    /// <summary>
    /// The deepest path that is merged. PATH_MAX is 4096 bytes, so no path that a program can name goes deeper.
    /// </summary>
    public const int MaxDepth = 2048;

    /// <summary>Where one layer's listing stands.</summary>
    private sealed class Cursor(MergeSource source, int rank, Entry[] entries)
    {
        public MergeSource Source => source;

        /// <summary>0 for the uppermost.</summary>
        public int Rank => rank;

        public int At { get; set; }

        public Entry[] Entries => entries;

        public ref readonly Entry Current => ref entries[At];
    }

    public override Entry[] Read()
    {
        if (path is { Depth: > MaxDepth })
            throw new CorruptImageException(context.NameOf(sources[0].Layer), $"directories are nested deeper than {MaxDepth}");
        Cursor[] heap = new Cursor[sources.Length];
        int count = 0, total = 0;
        for (int rank = 0; rank < sources.Length; rank++)
        {
            Entry[] entries = sources[rank].Node.Listing.Read();
            total += entries.Length;
            if (entries.Length > 0)
                heap[count++] = new Cursor(sources[rank], rank, entries);
        }
        for (int i = count / 2 - 1; i >= 0; i--)
            SiftDown(heap, i, count);
        // Rented, as how many there will be is known at the end, and the largest directories are the ones to spare.
        Entry[] merged = ArrayPool<Entry>.Shared.Rent(total);
        int shown = 0;
        List<MergeSource> same = [];
        while (count > 0)
        {
            ReadOnlyMemory<byte> name = heap[0].Current.Name;
            same.Clear();
            do
            {
                Cursor cursor = heap[0];
                same.Add(new MergeSource(cursor.Source.Layer, cursor.Current.Node));
                if (++cursor.At == cursor.Entries.Length)
                    heap[0] = heap[--count];
                SiftDown(heap, 0, count);
            }
            while (count > 0 && heap[0].Current.Name.Span.SequenceEqual(name.Span));
            if (Resolve(name, same) is { } node)
                merged[shown++] = new Entry(name, node);
        }
        Entry[] result = merged[..shown];
        ArrayPool<Entry>.Shared.Return(merged, clearArray: true);
        return result;
    }

    /// <summary>Decides who wins a name; null where it is gone.</summary>
    private Node? Resolve(ReadOnlyMemory<byte> name, List<MergeSource> same)
    {
        MergeSource top = same[0];
        if (context.IsWhiteout(top))
        {
            Account(name, MergeOutcome.Removed, same, 1);
            Tell(name, same, 1, context.Options.KeepWhiteouts && !isClosed);
            // Below an opaque directory there is nothing a whiteout could still hide.
            return context.Options.KeepWhiteouts && !isClosed ? MergeContext.Keep(top.Node) : null;
        }
        if (!top.Node.IsDirectory)
        {
            Account(name, MergeOutcome.Replaced, same, 1);
            Tell(name, same, 1, isShown: true);
            return context.Show(top, path, name);
        }
        int directories = 1;
        while (directories < same.Count && same[directories].Node.IsDirectory &&
            !context.IsOpaque(same[directories - 1]))
        {
            directories++;
        }
        bool hidesBelow = directories < same.Count && !same[directories].Node.IsDirectory;
        if (directories < same.Count)
            Account(name, MergeOutcome.Opaque, same, directories);
        else
            Account(name, MergeOutcome.Merged, same, 1);
        Tell(name, same, directories, isShown: true);
        // Only of what a layer marked opaque without an entry for it are the hidden ones of interest.
        IEnumerable<MergeSource> hidden = same.Skip(directories).TakeWhile(source => source.Node.IsDirectory).ToArray();
        return context.MergeDirectories(same[..directories], new MergePath(path, name), hidesBelow, isClosed, hidden);
    }

    private void Account(ReadOnlyMemory<byte> name, MergeOutcome outcome, List<MergeSource> same, int visible)
    {
        if (context.Options.Account is not { } account || same.Count == 1)
            return;
        long wasted = 0;
        List<int> hidden = [];
        for (int i = visible; i < same.Count; i++)
        {
            hidden.Add(same[i].Layer);
            if (outcome != MergeOutcome.Merged && !same[i].Node.IsWhiteout)
                wasted = ByteCounts.Add(wasted, MergeAccount.BytesUnder(same[i].Node));
        }
        account.Add(new MergeEvent(new MergePath(path, name).ToBytes(), outcome, same[0].Layer, [.. hidden], wasted));
    }

    private void Tell(ReadOnlyMemory<byte> name, List<MergeSource> same, int visible, bool isShown)
    {
        if (context.Options.Watcher is not { } watcher)
            return;
        HiddenFile[] hidden = same.Count == visible ? [] : new HiddenFile[same.Count - visible];
        for (int i = visible; i < same.Count; i++)
        {
            // Directories of one name are one, until one of them hides those below; what is hidden with them all is so by them.
            int by = i - 1;
            while (by >= visible && same[i].Node.IsDirectory && same[by].Node.IsDirectory && !context.IsOpaque(same[by]))
                by--;
            bool isRemoved = context.IsWhiteout(same[by]) || (same[by].Node.IsDirectory && same[i].Node.IsDirectory);
            hidden[i - visible] = new HiddenFile(same[i].Node, same[i].Layer, same[by].Layer, isRemoved);
        }
        bool isOpaque = same[visible - 1].Node.IsDirectory && context.IsOpaque(same[visible - 1]);
        watcher(name, isShown, same[0].Layer, context.OwnerOf(same[0]), isOpaque, hidden);
    }

    private static bool IsBefore(Cursor a, Cursor b)
    {
        int byName = a.Current.Name.Span.SequenceCompareTo(b.Current.Name.Span);
        return byName != 0 ? byName < 0 : a.Rank < b.Rank;
    }

    private static void SiftDown(Cursor[] heap, int at, int count)
    {
        while (true)
        {
            int least = at, left = at * 2 + 1;
            if (left < count && IsBefore(heap[left], heap[least]))
                least = left;
            if (left + 1 < count && IsBefore(heap[left + 1], heap[least]))
                least = left + 1;
            if (least == at)
                return;
            (heap[at], heap[least]) = (heap[least], heap[at]);
            at = least;
        }
    }
}
