using Lamina.Format;
using Lamina.Tree;

namespace Lamina.Reading;

/// <summary>
/// Checks a whole image: superblock, devices, every inode that the root leads to, directories, attributes, link counts, maps,
/// that all data decodes, and that layers and devices have the SHA-256 that Lamina recorded. Every fault is reported, not only
/// the first.
/// </summary>
public sealed class ImageChecker
{
    private readonly ErofsImage _image;
    private readonly CheckOptions _options;
    private readonly FaultList _faults;
    private readonly Dictionary<ulong, CheckedFile> _files = [];
    private readonly List<CheckedFile> _withData = [];
    private long _directories, _done, _total;

    private ImageChecker(ErofsImage image, CheckOptions options)
    {
        _image = image;
        _options = options;
        _faults = new FaultList(image, options.MaxFaults);
    }

    /// <summary>Opens and checks an image file; one whose superblock cannot be used has that as its one fault.</summary>
    /// <param name="path">The image.</param>
    /// <param name="devices">The devices it needs, in the device table's order.</param>
    /// <param name="options">How to check.</param>
    /// <exception cref="UnsupportedImageException">
    /// The image has features that are not known, or lacks devices: it cannot be checked.
    /// </exception>
    /// <exception cref="IOException">A file is missing, or the system refused.</exception>
    public static CheckReport Check(string path, IReadOnlyList<string>? devices = null, CheckOptions? options = null)
    {
        try
        {
            using ErofsImage image = ErofsImage.Open(path, [.. devices ?? []]);
            return Check(image, options);
        }
        catch (CorruptImageException corrupt)
        {
            ImageFault fault = new(FaultSeverity.Error, corrupt.Inode, null, corrupt.Offset, corrupt.What);
            return new CheckReport([fault], true);
        }
    }

    /// <summary>Checks an image that was opened.</summary>
    public static CheckReport Check(ErofsImage image, CheckOptions? options = null) =>
        new ImageChecker(image, options ?? new CheckOptions()).Run();

    private CheckReport Run()
    {
        SuperBlock superBlock = _image.SuperBlock;
        CheckedFile whole = new(0, superBlock.RootNid, null, default);
        if (_faults.Try(whole, () => _ = _image.Xattrs) && _faults.Try(whole, () => _ = _image.Root))
            WalkTree();
        long named = _files.Count;
        AddHidden(superBlock.Has(IncompatibleFeatures.Fragments) ? superBlock.PackedNid : 0, "packed file");
        AddHidden(superBlock.Has(IncompatibleFeatures.Metabox) ? superBlock.MetaboxNid : 0, "metabox");
        CheckLinkCounts();
        CheckSuperBlock(whole);
        DigestChecker? digests = _options.VerifiesDigests ? new DigestChecker(_image, _faults, whole) : null;
        _total = ByteCounts.Sum(_withData.Select(file => file.Inode.Size).Append(digests?.TotalBytes ?? 0));
        CheckData();
        long data = _done;
        digests?.Run(_options, AddDone);
        (ImageFault[] faults, bool isComplete) = _faults.ToReport();
        return new CheckReport(faults, isComplete)
        {
            FileCount = named,
            DirectoryCount = _directories,
            ByteCount = data,
            DigestCount = digests?.Verified ?? 0,
        };
    }

    /// <summary>Directories one after another: the order in which they come is the order of the report.</summary>
    private void WalkTree()
    {
        DirectoryChecker checker = new(_image, _faults);
        Stack<CheckedFile> open = new();
        CheckedFile root = Meet(_image.SuperBlock.RootNid, null, default)!;
        root.Names++;
        open.Push(root);
        List<CheckedFile> found = [];
        while (!_faults.IsFull && open.TryPop(out CheckedFile? directory))
        {
            _options.Cancellation.ThrowIfCancellationRequested();
            _directories++;
            found.Clear();
            checker.Check(directory, (name, nid, type) => OnName(directory, name, nid, type, found));
            for (int i = found.Count - 1; i >= 0; i--)
                open.Push(found[i]);
        }
    }

    private void OnName(
        CheckedFile directory, ReadOnlySpan<byte> name, ulong nid, DirectoryFileType type, List<CheckedFile> found)
    {
        bool isNew = !_files.TryGetValue(nid, out CheckedFile? file);
        file ??= Meet(nid, directory, name.ToArray());
        if (file is null)
            return;
        file.Names++;
        string holder = ShownBytes.OfNid(directory.Nid);
        if (type != DirectoryFileType.Unknown && type != FileTypes.Of((int)file.Inode.Type))
            _faults.Add(file, $"is a {file.Inode.Type}, its directory (inode {holder}) says {type}", OffsetOf(file));
        if (file.Inode.Type != NodeType.Directory)
            return;
        directory.Subdirectories++;
        if (isNew)
            found.Add(file);
        else
        {
            string first = ShownBytes.OfNid(file.Parent?.Nid ?? file.Nid);
            _faults.Add(file, $"the directory is in two places, inodes {first} and {holder}", OffsetOf(file));
        }
    }

    /// <summary>Reads an inode that was not seen before and what stands with it; null if it cannot be read.</summary>
    private CheckedFile? Meet(ulong nid, CheckedFile? parent, ReadOnlyMemory<byte> name)
    {
        CheckedFile file = new(_files.Count + 1, nid, parent, name);
        if (!_faults.Try(file, () => file.Inode = _image.ReadInode(nid)))
            return null;
        _files.Add(nid, file);
        _faults.Try(file, () => new ErofsEntry(_image, file.Inode, default).ReadXattrs());
        if (file.Inode.Type is NodeType.RegularFile or NodeType.SymbolicLink)
            _withData.Add(file);
        return file;
    }

    /// <summary>Inodes that only the superblock names. Their data is what others are made of.</summary>
    private void AddHidden(ulong nid, string what)
    {
        if (nid == 0)
            return;
        if (_files.ContainsKey(nid))
        {
            _faults.Add(_files[nid], $"is the image's {what}, but has a name", OffsetOf(_files[nid]));
            return;
        }
        CheckedFile file = new(_files.Count + 1, nid, null, new byte[1]);
        if (!_faults.Try(file, () => file.Inode = _image.ReadInode(nid)))
            return;
        _files.Add(nid, file);
        file.Names = file.Inode.Record.LinkCount;
        if (file.Inode.Type != NodeType.RegularFile)
            _faults.Add(file, $"is the image's {what}, but a {file.Inode.Type}", OffsetOf(file));
        _withData.Add(file);
    }

    /// <summary>What the superblock says that nothing depends on.</summary>
    private void CheckSuperBlock(CheckedFile whole)
    {
        SuperBlock superBlock = _image.SuperBlock;
        // A tree of which a part could not be read has fewer inodes than it should.
        if (_faults.IsEmpty && superBlock.InodeCount != (ulong)_files.Count)
            Warn($"inos is {superBlock.InodeCount}, {_files.Count} inodes were found", SuperBlock.InodesAt);
        uint unknown = (uint)(superBlock.Compatible & ~CompatibleFeatures.All);
        if (unknown != 0)
            Warn($"feature_compat has bits that are not known: 0x{unknown:x}", SuperBlock.CompatAt);

        void Warn(string what, int at) => _faults.Add(whole.Number,
            new ImageFault(FaultSeverity.Warning, null, null, SuperBlock.Offset + at, what));
    }

    private void CheckLinkCounts()
    {
        foreach (CheckedFile file in _files.Values)
        {
            uint said = file.Inode.Record.LinkCount;
            uint expected = file.Inode.Type == NodeType.Directory ? file.Subdirectories + 2 : file.Names;
            // A directory with a count of 1 does not keep count.
            if (said != expected && !(said == 1 && file.Inode.Type == NodeType.Directory))
                _faults.Add(file, $"its link count is {said}, its names give {expected}", OffsetOf(file));
        }
    }

    private void CheckData()
    {
        ContentChecker checker = new(_image, _faults, _options, AddDone);
        InParallel.For(_withData.Count, _options.Parallelism, i => checker.Check(_withData[i]), _options.Cancellation);
    }

    private void AddDone(long count)
    {
        long done = Interlocked.Add(ref _done, count);
        _options.Progress?.Report(new CheckProgress(done, Math.Max(done, _total)));
    }

    private static long? OffsetOf(CheckedFile file) => file.Inode.IsInMetabox ? null : file.Inode.Position;
}
