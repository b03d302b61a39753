using System.IO.Hashing;
using Lamina.Exporting;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Reporting;

/// <summary>Finds files with the same data: of those of one size the digest tells.</summary>
internal static class SameData
{
    /// <summary>Smaller files are not compared: together they cost little, and there are many.</summary>
    public const int LeastSize = 4096;

    /// <summary>What is compared before a digest of all is made: bytes from the start, which every file has.</summary>
    private const int HeadSize = 4096;

    /// <summary>The groups of files with the same data that take room more than once.</summary>
    /// <param name="files">Files, by size.</param>
    /// <param name="work">With how many threads, and what stops it.</param>
    public static CopiesItem[] Find(ReportFile[] files, WorkOptions work)
    {
        ReportFile[] candidates = Keep(files, (a, b) => a.Size == b.Size && a.Size >= LeastSize);
        string[] heads = new string[candidates.Length];
        Workers.ForEach(work.ThreadCount, candidates.Length, () => new byte[HeadSize], (buffer, i) =>
        {
            candidates[i].Node.Content.Open().ReadExactly(0, buffer);
            heads[i] = Convert.ToHexString(XxHash128.Hash(buffer));
        }, work.Cancellation);
        ReportFile[][] alike = Groups(candidates, heads);
        candidates = [.. alike.SelectMany(group => group)];
        string[] digests = new string[candidates.Length];
        long total = ByteCounts.Sum(candidates.Select(file => file.Size));
        Action<long>? counter = work.Counter(() => total);
        Workers.ForEach(work.ThreadCount, candidates.Length, () => new FileDigest(), (digest, i) =>
        {
            digests[i] = digest.Of(candidates[i].Node.Content);
            counter?.Invoke(candidates[i].Size);
        }, work.Cancellation);
        return [.. Groups(candidates, digests)
            .Select(group => new CopiesItem(group, ByteCounts.Sum(group.Select(file => file.Stored).Order().SkipLast(1))))
            .Where(copies => copies.Stored > 0)
            .OrderByDescending(copies => copies.Stored).ThenBy(copies => copies.Files[0].Path, ByteOrder.Instance)];
    }

    /// <summary>Of sorted files those that are like one beside them.</summary>
    private static ReportFile[] Keep(ReportFile[] files, Func<ReportFile, ReportFile, bool> areAlike)
    {
        List<ReportFile> kept = [];
        for (int i = 0; i < files.Length; i++)
        {
            if ((i > 0 && areAlike(files[i - 1], files[i])) || (i + 1 < files.Length && areAlike(files[i], files[i + 1])))
                kept.Add(files[i]);
        }
        return [.. kept];
    }

    /// <summary>Files of one size and one text, two at least, each group by path.</summary>
    private static ReportFile[][] Groups(ReportFile[] files, string[] texts)
    {
        Dictionary<string, List<ReportFile>> groups = [];
        for (int i = 0; i < files.Length; i++)
        {
            string key = $"{files[i].Size}:{texts[i]}";
            if (!groups.TryGetValue(key, out List<ReportFile>? group))
                groups.Add(key, group = []);
            group.Add(files[i]);
        }
        return [.. groups.Values.Where(group => group.Count > 1)
            .Select(group => group.OrderBy(file => file.Path, ByteOrder.Instance).ToArray())];
    }
}
