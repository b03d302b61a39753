using Lamina.Tree;

namespace Lamina.Building;

/// <summary>What encoding came to.</summary>
internal sealed class EncodeSummary
{
    private readonly long[] _data = new long[(int)ClusterEncoding.Hole + 1];
    private readonly long[] _encoded = new long[(int)ClusterEncoding.Hole + 1];

    /// <summary>Bytes of all files that were looked at.</summary>
    public long Files { get; set; }

    /// <summary>Bytes of files whose data is that of another file, and so stored with it.</summary>
    public long Shared { get; set; }

    /// <summary>Bytes of files that are in the packed file.</summary>
    public long Fragments { get; set; }

    /// <summary>Bytes that all of it takes, in clusters and blocks.</summary>
    public long Stored { get; set; }

    /// <summary>Each way of encoding that was used: the file bytes that are encoded so, and what they take.</summary>
    public IEnumerable<(ClusterEncoding Encoding, long Data, long Encoded)> Ways =>
        Enum.GetValues<ClusterEncoding>().Where(way => _data[(int)way] > 0)
            .Select(way => (way, _data[(int)way], _encoded[(int)way]));

    /// <summary>Counts a cluster. Data that is stored as it is counts alike, rotated or not.</summary>
    public void Count(ClusterEncoding way, long data, long encoded)
    {
        int at = (int)(way == ClusterEncoding.Interlaced ? ClusterEncoding.Shifted : way);
        _data[at] += data;
        _encoded[at] += encoded;
    }
}
