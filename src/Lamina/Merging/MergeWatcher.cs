using Lamina.Tree;

namespace Lamina.Merging;

/// <summary>What a layer has under a name and nobody sees.</summary>
/// <param name="node">The file, or a directory with all that is in it.</param>
/// <param name="layer">The layer it is of.</param>
/// <param name="by">The layer that hides it: the next above that has something else there.</param>
/// <param name="isRemoved">Whether that is a whiteout, or a directory that hides all below it.</param>
internal sealed class HiddenFile(Node node, int layer, int by, bool isRemoved)
{
    public Node Node => node;

    public int Layer => layer;

    public int By => by;

    public bool IsRemoved => isRemoved;
}

/// <summary>Is told of the names of a merged directory, in the order of their bytes, by the thread that reads it.</summary>
/// <param name="name">The name.</param>
/// <param name="isShown">Whether the merged tree has it; if not, a whiteout has removed it.</param>
/// <param name="winner">The layer that decided.</param>
/// <param name="owner">The layer that the file is of; another than the winner where that has a hard link to it.</param>
/// <param name="isOpaque">Whether it is a directory that is marked as hiding all below.</param>
/// <param name="hidden">What is hidden, uppermost first.</param>
internal delegate void MergeWatcher(
    ReadOnlyMemory<byte> name, bool isShown, int winner, int owner, bool isOpaque, HiddenFile[] hidden);
