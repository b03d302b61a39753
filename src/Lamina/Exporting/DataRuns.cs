using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>A run of a file's bytes that is stored; what lies between runs is a hole.</summary>
internal readonly record struct DataRun(long Start, long Length)
{
    public long End => Start + Length;
}

/// <summary>Where in a file data is, and where holes are, without reading any of it.</summary>
internal static class DataRuns
{
    /// <summary>The runs of data, in order, joined where they touch.</summary>
    public static List<DataRun> Of(Content content)
    {
        List<DataRun> runs = [];
        switch (content)
        {
            case PlacedContent placed:
                foreach (PlacedExtent extent in placed.Extents)
                    Add(runs, extent.Logical, extent.Length);
                break;
            case EncodedContent encoded:
                ClusterMap map = DecodableMap.Of(encoded).Map;
                foreach (ClusterExtent extent in map.Extents)
                {
                    if (extent.Encoding != ClusterEncoding.Hole)
                        Add(runs, extent.Logical, extent.Length);
                }
                Add(runs, map.FragmentStart, map.Size - map.FragmentStart);
                break;
            default:
                Add(runs, 0, content.Size);
                break;
        }
        return runs;
    }

    private static void Add(List<DataRun> runs, long start, long length)
    {
        if (length == 0)
            return;
        if (runs.Count > 0 && runs[^1].End == start)
            runs[^1] = runs[^1] with { Length = runs[^1].Length + length };
        else
            runs.Add(new DataRun(start, length));
    }
}
