namespace Lamina.Cli;

/// <summary>How the program uses memory, where it knows better than the garbage collector.</summary>
internal static class Heap
{
    /// <summary>
    /// Bytes to allocate before garbage is collected for the first time: what a merge of some 200,000 files needs. Only what
    /// is used of them counts as memory in use.
    /// </summary>
    private const long FirstCollectionAfter = 128 << 20;

    /// <summary>
    /// For verbs that build a tree, write it and end: nearly all they allocate is needed to the end, and to look for garbage
    /// in it again and again would take a third of their time. Beyond the amount all is as usual.
    /// </summary>
    public static void CollectLate()
    {
        try
        {
            GC.TryStartNoGCRegion(FirstCollectionAfter);
        }
        catch (ArgumentOutOfRangeException)
        {
            // A container may have less memory altogether: as usual from the start then.
        }
    }
}
