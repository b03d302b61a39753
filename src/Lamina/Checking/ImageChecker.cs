using System.Runtime.ExceptionServices;
using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Checking;

/// <summary>
/// Checks a whole image: superblock, devices, every inode that the root leads to, directories, attributes, link counts, maps,
/// that all data decodes, that fingerprints of files are true, and that layers and devices have the SHA-256 that Lamina
/// recorded. Every fault is reported, not only the first.
/// </summary>
public sealed class ImageChecker
{
    private readonly ErofsImage _image;
    private readonly CheckOptions _options;
    private readonly FaultList _faults;
    private readonly CheckedFiles _files;
    private long _directories, _done, _total;
    private ReadOnlyMemory<byte> _fingerprintName;

    private ImageChecker(ErofsImage image, CheckOptions options)
    {
        _image = image;
        _options = options;
        _faults = new FaultList(image, options.MaxFaults);
        _files = new CheckedFiles(image);
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
        using ByteSource source = ByteSource.OpenFile(path);
        return Check(source, devices, options);
    }

    /// <summary>Does it with a file that is open.</summary>
    internal static CheckReport Check(ByteSource source, IReadOnlyList<string>? devices, CheckOptions? options)
    {
        try
        {
            using ErofsImage image = ErofsImage.Open(ToWholeSectors(source), devices ?? []);
            return Check(image, options);
        }
        catch (CorruptImageException corrupt)
        {
            ImageFault fault = new(FaultSeverity.Error, corrupt.Inode, null, corrupt.Offset, corrupt.What);
            return new CheckReport([fault], true);
        }
    }

    /// <summary>
    /// A loop device has whole sectors only: what a file has behind the last of them is not there when it is mounted.
    /// </summary>
    private static ByteSource ToWholeSectors(ByteSource image)
    {
        const int sector = 512;
        return image.Length % sector == 0 ? image : ByteSource.Slice(image, image.Name, 0, image.Length & -sector);
    }

    /// <summary>Checks an image that was opened.</summary>
    internal static CheckReport Check(ErofsImage image, CheckOptions? options = null) =>
        new ImageChecker(image, options ?? new CheckOptions()).Run();

    private CheckReport Run()
    {
        SuperBlock superBlock = _image.SuperBlock;
        CheckedFile whole = new(0, superBlock.RootNid, null);
        if (_faults.Try(whole, () => _fingerprintName = _image.FingerprintName) && _faults.Try(whole, () => _ = _image.Root))
            WalkTree();
        long named = _files.Count;
        AddHidden(superBlock.Has(IncompatibleFeatures.Fragments) ? superBlock.PackedNid : 0, "packed file");
        AddHidden(superBlock.Has(IncompatibleFeatures.Metabox) ? superBlock.MetaboxNid : 0, "metabox");
        CheckLinkCounts();
        CheckSuperBlock(whole);
        DigestChecker? digests = _options.VerifiesDigests ? new DigestChecker(_image, _faults, whole) : null;
        _total = ByteCounts.Add(_total, digests?.TotalBytes ?? 0);
        FingerprintChecker fingerprints = new(_image, _faults, _fingerprintName);
        CheckData(_options.VerifiesDigests ? fingerprints : null);
        long data = _done;
        digests?.Run(_options, AddDone);
        (ImageFault[] faults, bool isComplete) = _faults.ToReport();
        return new CheckReport(faults, isComplete)
        {
            FileCount = named,
            DirectoryCount = _directories,
            ByteCount = data,
            DigestCount = digests?.Verified ?? 0,
            FingerprintName = fingerprints.Name,
            FingerprintCount = fingerprints.Verified,
        };
    }

    /// <summary>Directories one after another: the order in which they come is the order of the report.</summary>
    private void WalkTree()
    {
        DirectoryChecker checker = new(_image, _faults);
        Inode root = _image.ReadInode(_image.SuperBlock.RootNid);
        Stack<int> open = new([Meet(root, -1, 0)]);
        _files.CountName(open.Peek());
        List<int> found = [];
        while (!_faults.IsFull && open.TryPop(out int number))
        {
            _options.Cancellation.ThrowIfCancellationRequested();
            _directories++;
            found.Clear();
            CheckedFile directory = _files[number];
            checker.Check(directory, (name, nid, type, place) => OnName(directory, name, nid, type, place, found));
            for (int i = found.Count - 1; i >= 0; i--)
                open.Push(found[i]);
        }
    }

    private void OnName(
        CheckedFile directory, ReadOnlySpan<byte> name, ulong nid, DirectoryFileType type, long place, List<int> found)
    {
        int number = _files.Find(nid);
        bool isNew = number < 0;
        CheckedFile? file = isNew ? Read(nid, directory, name) : _files[number];
        if (file is null)
            return;
        Inode inode = file.Inode;
        if (isNew)
            number = Meet(inode, directory.Number - 1, place);
        _files.CountName(number);
        string holder = ShownBytes.OfNid(directory.Nid);
        if (type != DirectoryFileType.Unknown && type != FileTypes.Of((int)inode.Type))
            _faults.Add(_files[number], $"is a {inode.Type}, its directory (inode {holder}) says {type}", OffsetOf(inode));
        if (inode.Type != NodeType.Directory)
            return;
        _files.CountSubdirectory(directory.Number - 1);
        if (isNew)
            found.Add(number);
        else
        {
            string first = ShownBytes.OfNid(file.ParentNid);
            _faults.Add(file, $"the directory is in two places, inodes {first} and {holder}", OffsetOf(inode));
        }
    }

    /// <summary>Reads an inode that was not seen before; null if it cannot be read.</summary>
    private CheckedFile? Read(ulong nid, CheckedFile directory, ReadOnlySpan<byte> name)
    {
        try
        {
            return new CheckedFile(_files.Count + 1, nid, null) { Inode = _image.ReadInode(nid) };
        }
        catch (Exception fault) when (fault is CorruptImageException or UnsupportedImageException)
        {
            CheckedFile unread = new(_files.Count + 1, nid, null) { Met = (directory, name.ToArray()) };
            _faults.Try(unread, () => ExceptionDispatchInfo.Throw(fault));
            return null;
        }
    }

    /// <summary>Notes an inode that was not seen before, and reads what stands with it.</summary>
    private int Meet(in Inode inode, int parent, long place)
    {
        bool hasData = inode.Type is NodeType.RegularFile or NodeType.SymbolicLink;
        int number = _files.Add(inode, parent, place, hasData);
        if (hasData)
            _total = ByteCounts.Add(_total, inode.Size);
        if (inode.Record.XattrCount == 0)
            return number;
        CheckedFile file = _files[number];
        _faults.Try(file, () => _image.Xattrs.Read(file.Inode));
        return number;
    }

    /// <summary>Inodes that only the superblock names. Their data is what others are made of.</summary>
    private void AddHidden(ulong nid, string what)
    {
        if (nid == 0)
            return;
        if (_files.Find(nid) is >= 0 and int known)
        {
            _faults.Add(_files[known], $"is the image's {what}, but has a name", OffsetOf(_files[known].Inode));
            return;
        }
        CheckedFile file = new(_files.Count + 1, nid, _files);
        if (!_faults.Try(file, () => file.Inode = _image.ReadInode(nid)))
            return;
        _files.BelieveNames(_files.Add(file.Inode, -1, 0, hasData: true));
        _total = ByteCounts.Add(_total, file.Inode.Size);
        if (file.Inode.Type != NodeType.RegularFile)
            _faults.Add(file, $"is the image's {what}, but a {file.Inode.Type}", OffsetOf(file.Inode));
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
        for (int i = 0; i < _files.Count; i++)
        {
            (uint said, uint expected, bool isDirectory) = _files.LinksOf(i);
            // A directory with a count of 1 does not keep count.
            if (said != expected && !(said == 1 && isDirectory))
                _faults.Add(_files[i], $"its link count is {said}, its names give {expected}", OffsetOf(_files[i].Inode));
        }
    }

    private void CheckData(FingerprintChecker? fingerprints)
    {
        ContentChecker checker = new(_image, _faults, _options, AddDone);
        InParallel.For(_files.Count, _options.ThreadCount, i =>
        {
            if (!_files.HasData(i))
                return;
            CheckedFile file = _files[i];
            checker.Check(file);
            fingerprints?.Check(file);
        }, _options.Cancellation);
    }

    private void AddDone(long count)
    {
        long done = Interlocked.Add(ref _done, count);
        _options.Progress?.Report(new Progress(done, Math.Max(done, _total)));
    }

    private static long? OffsetOf(in Inode inode) => inode.IsInMetabox ? null : inode.Position;
}
