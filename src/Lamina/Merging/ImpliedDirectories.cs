using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>
/// Directories that a layer needs but has no entry for. Where layers below have a symbolic link under such a name, the way goes
/// through it, as container engines unpack (mkparent over fs.RootPath in containerd's archive/tar.go) and the kernel's cpio
/// unpacker does: <c>bin/foo</c> over <c>bin -> usr/bin</c> lands in <c>usr/bin</c>. Links lead nowhere outside the root. Such a
/// directory that holds nothing but whiteouts, over no directory, is none.
/// </summary>
internal sealed class ImpliedDirectories(LayerView view, int number, MergeOptions options)
{
    /// <summary>Puts the directories where they belong.</summary>
    public void Apply()
    {
        while (Visit(view.Root, view.Lower, []))
        {
            // What came to lie elsewhere may itself go through links there.
        }
    }

    /// <summary>Puts right what is in a directory; whether something was moved.</summary>
    private bool Visit(LayerPlace place, Node? lower, IReadOnlyList<string> path)
    {
        Entry[] below = lower is null || place.IsOpaque || !place.HasPlaces ? [] : lower.Listing.Read();
        bool isMoved = false;
        foreach ((string name, LayerPlace child) in place.Places())
        {
            Node? there = LayerView.Find(below, name);
            if (child.IsImplied && there is { Type: NodeType.SymbolicLink })
            {
                List<string> target = view.Resolve(path, [name]);
                place.Remove(name);
                view.Make(target).Take(child);
                options.Account?.Add(new MergeEvent(LayerView.ToBytes([.. path, name]), MergeOutcome.Followed, number, [], 0));
                isMoved = true;
            }
            else if (child.IsImplied && there is not { IsDirectory: true } && !options.KeepWhiteouts && child.HasMarksAlone)
            {
                place.Remove(name);
            }
            else
            {
                isMoved |= Visit(child, there is { IsDirectory: true } ? there : null, [.. path, name]);
            }
        }
        return isMoved;
    }
}
