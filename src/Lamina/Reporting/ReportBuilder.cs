using System.Text;
using Lamina.Merging;
using Lamina.Tree;

namespace Lamina.Reporting;

/// <summary>
/// Goes through the merge of layers once, and notes of each file which layer it is of and of each layer what others hide.
/// </summary>
internal sealed class ReportBuilder
{
    private readonly Layer[] _layers;
    private readonly ReportLayer[] _reports;
    private readonly StoredData[] _stored;
    private readonly List<Decision> _decisions = [];
    private readonly List<HiddenName> _hidden = [];
    private readonly List<MarkItem> _marks = [];
    private readonly List<ReportFile> _files = [], _privileged = [];
    private readonly ModuleSizes _modules = new();

    /// <summary>Data of files that may have several names, and were counted.</summary>
    private readonly HashSet<object> _seen = new(ReferenceEqualityComparer.Instance);

    private long _directories, _names;

    /// <summary>What a merge decided about one name.</summary>
    private sealed class Decision
    {
        public required ReadOnlyMemory<byte> Name { get; init; }

        public required bool IsShown { get; init; }

        public required bool IsOpaque { get; init; }

        public required int Winner { get; init; }

        public required int Owner { get; init; }

        public required HiddenFile[] Hidden { get; init; }
    }

    /// <summary>What is hidden, and where; counted when all that is seen has been.</summary>
    private sealed class HiddenName(byte[] path, HiddenFile file)
    {
        public byte[] Path => path;

        public HiddenFile File => file;
    }

    private ReportBuilder(IReadOnlyList<Layer> layers)
    {
        _layers = [.. layers];
        _reports = [.. layers.Select(layer => new ReportLayer(layer) { HiddenBy = new long[layers.Count] })];
        _stored = [.. layers.Select(_ => new StoredData())];
    }

    /// <summary>Looks at layers, lowest first.</summary>
    /// <param name="layers">The layers; they stay open.</param>
    /// <param name="comparesData">Whether files of the same size are compared.</param>
    /// <param name="userXattr">Whether marks of images are those of unprivileged overlays.</param>
    /// <param name="work">With how many threads, and what stops it.</param>
    public static LayerReport Build(IReadOnlyList<Layer> layers, bool comparesData, bool userXattr, WorkOptions work) =>
        new ReportBuilder(layers).Build(comparesData, userXattr, work);

    private LayerReport Build(bool comparesData, bool userXattr, WorkOptions work)
    {
        Node merged = Merger.Merge(_layers, new MergeOptions
        {
            UserXattr = userXattr,
            Watcher = (name, isShown, winner, owner, isOpaque, hidden) => _decisions.Add(new Decision
            {
                Name = name,
                IsShown = isShown,
                IsOpaque = isOpaque,
                Winner = winner,
                Owner = owner,
                Hidden = hidden,
            }),
        });
        ReportFile root = new(default, merged, null, _layers.Length - 1);
        Stack<ReportFile> open = new([root]);
        while (open.TryPop(out ReportFile? directory))
        {
            work.Cancellation.ThrowIfCancellationRequested();
            _directories++;
            directory.Children = Read(directory);
            for (int i = directory.Children.Length - 1; i >= 0; i--)
            {
                if (directory.Children[i].Node.IsDirectory)
                    open.Push(directory.Children[i]);
            }
        }
        WasteItem[] waste = [.. _hidden.Select(Hide).Where(item => item.Files > 0)
            .OrderByDescending(item => item.Bytes).ThenBy(item => item.Path, ByteOrder.Instance)];
        for (int i = 0; i < _reports.Length; i++)
        {
            string packing = StoredData.PackingOf(_layers[i]);
            _reports[i].Codec = packing.Length > 0 ? packing : _stored[i].Codecs;
            if (_reports[i].Length == 0)
                _reports[i].Length = _reports[i].Stored;
        }
        LayerReport report = new()
        {
            Layers = _reports,
            Root = root,
            Waste = waste,
            Marks = Marks(waste),
            Privileged = [.. _privileged.OrderBy(file => file.Path, ByteOrder.Instance)],
            Modules = _modules.Groups,
            Files = [.. _files.OrderByDescending(file => file.Size)],
            Directories = _directories,
            Names = _names,
        };
        if (comparesData)
            Compare(report, work);
        return report;
    }

    private ReportFile[] Read(ReportFile directory)
    {
        _decisions.Clear();
        Entry[] entries = directory.Node.Listing.Read();
        ReportFile[] children = new ReportFile[entries.Length];
        int at = 0;
        // One layer alone is passed through: nobody decides anything then.
        foreach (Decision decision in _decisions)
        {
            foreach (HiddenFile hidden in decision.Hidden)
                _hidden.Add(new HiddenName(PathOf(directory, decision.Name), hidden));
            if (!decision.IsShown || decision.IsOpaque)
                _marks.Add(new MarkItem(PathOf(directory, decision.Name), decision.Winner, decision.IsShown));
            if (decision.IsShown)
                children[at] = Make(entries[at++], directory, decision.Owner);
        }
        for (; at < entries.Length; at++)
            children[at] = Make(entries[at], directory, directory.Layer);
        return children;
    }

    private ReportFile Make(Entry entry, ReportFile directory, int layer)
    {
        ReportFile file = new(entry.Name, entry.Node, directory, layer);
        _names++;
        if (_layers.Length == 1 && entry.Node.IsWhiteout && _layers[0].Rules != WhiteoutRules.Cpio)
            _marks.Add(new MarkItem(file.Path, 0, isOpaque: false));
        if (entry.Node.Type != NodeType.RegularFile)
            return file;
        Content content = entry.Node.Content;
        file.Size = content.Size;
        ReportLayer report = _reports[layer];
        if (!entry.Node.HasSingleName && !_seen.Add(content))
        {
            file.IsFurtherName = true;
            report.Shared = ByteCounts.Add(report.Shared, file.Size);
            return file;
        }
        file.Stored = _stored[layer].Count(content);
        report.Files++;
        report.Visible = ByteCounts.Add(report.Visible, file.Size);
        report.Stored = ByteCounts.Add(report.Stored, file.Stored);
        if (file.Stored == 0)
            report.Shared = ByteCounts.Add(report.Shared, file.Size);
        _files.Add(file);
        if ((entry.Node.Permissions & 0xC00) != 0 || entry.Node.Xattrs.TryGet(FileCapability.Name, out _))
            _privileged.Add(file);
        if (ModuleSizes.IsModule(entry.Name.Span))
            _modules.Add(file);
        return file;
    }

    /// <summary>Counts what is hidden under one name, with all that is in it.</summary>
    private WasteItem Hide(HiddenName one)
    {
        (int layer, int by) = (one.File.Layer, one.File.By);
        WasteItem item = new(one.Path, layer, by, one.File.IsRemoved);
        ReportLayer report = _reports[layer];
        Stack<Node> open = new([one.File.Node]);
        while (open.TryPop(out Node? node))
        {
            if (node.IsDirectory)
            {
                foreach (Entry entry in node.Listing.Enumerate())
                    open.Push(entry.Node);
            }
            else if (node.Type == NodeType.RegularFile && (node.HasSingleName || _seen.Add(node.Content)))
            {
                item.Files++;
                item.Bytes = ByteCounts.Add(item.Bytes, node.Content.Size);
                item.Stored = ByteCounts.Add(item.Stored, _stored[layer].Count(node.Content));
            }
        }
        report.Files += item.Files;
        report.Stored = ByteCounts.Add(report.Stored, item.Stored);
        report.HiddenStored = ByteCounts.Add(report.HiddenStored, item.Stored);
        report.HiddenBy[by] = ByteCounts.Add(report.HiddenBy[by], item.Bytes);
        if (item.IsRemoved)
            report.Removed = ByteCounts.Add(report.Removed, item.Bytes);
        else
            report.Replaced = ByteCounts.Add(report.Replaced, item.Bytes);
        return item;
    }

    private static byte[] PathOf(ReportFile parent, ReadOnlyMemory<byte> name) =>
        parent.Parent is null ? [(byte)'/', .. name.Span] : [.. parent.Path, (byte)'/', .. name.Span];

    private MarkItem[] Marks(WasteItem[] waste)
    {
        Dictionary<string, MarkItem> marks = [];
        foreach (MarkItem mark in _marks)
            marks[KeyOf(mark.Path, mark.Layer)] = mark;
        foreach (WasteItem item in waste)
        {
            if (marks.TryGetValue(KeyOf(item.Path, item.By), out MarkItem? mark))
                mark.Bytes = ByteCounts.Add(mark.Bytes, item.Bytes);
        }
        return [.. _marks.OrderBy(mark => mark.Path, ByteOrder.Instance)];
    }

    private static string KeyOf(byte[] path, int layer) => $"{layer}:{Encoding.Latin1.GetString(path)}";

    private void Compare(LayerReport report, WorkOptions work)
    {
        CopiesItem[] copies = SameData.Find(report.Files, work);
        report.Copies = copies;
        foreach (ReportLayer layer in _reports)
            layer.Unique = layer.Visible;
        foreach (ReportFile file in copies.SelectMany(group => group.Files))
            _reports[file.Layer].Unique -= file.Size;
    }
}
