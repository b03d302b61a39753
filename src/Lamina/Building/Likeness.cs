namespace Lamina.Building;

/// <summary>
/// Orders files so that like lies by like: by the end of the name that tells the kind, then by folder, then by name. What shares
/// a
/// cluster is then encoded smaller.
/// </summary>
internal static class Likeness
{
    /// <summary>The longest end of a name that counts as a kind, in bytes.</summary>
    private const int MaxKind = 8;

    /// <summary>Compares two paths.</summary>
    public static int Compare(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        int byKind = KindOf(a).SequenceCompareTo(KindOf(b));
        return byKind != 0 ? byKind : a.SequenceCompareTo(b);
    }

    /// <summary>
    /// What the name says of the kind: <c>py</c>, <c>so</c> also of <c>libx.so.1</c>; empty where it says nothing.
    /// </summary>
    private static ReadOnlySpan<byte> KindOf(ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> name = path[(path.LastIndexOf((byte)'/') + 1)..];
        while (true)
        {
            int dot = name.LastIndexOf((byte)'.');
            if (dot <= 0)
                return [];
            ReadOnlySpan<byte> kind = name[(dot + 1)..];
            if (kind.Length is > 0 and <= MaxKind && kind.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
                return kind;
            name = name[..dot];
        }
    }
}
