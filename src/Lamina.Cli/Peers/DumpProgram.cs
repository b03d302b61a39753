using System.Text;
using Lamina.Describing;
using Lamina.Format;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Cli.Peers;

/// <summary><c>dump.erofs</c>: the same lines of the same values, as scripts read them.</summary>
internal sealed class DumpProgram(Session session) : PeerProgram(session)
{
    private const int LabelWidth = 46;

    public override string Name => "dump.erofs";

    public override IReadOnlyList<PeerOption> Options { get; } =
    [
        .. Common,
        new("-S", PeerValue.None, "statistics of the image"),
        new("-e", PeerValue.None, "where a file's data is, with --path or --nid"),
        new("-s", PeerValue.None, "the superblock (default)"),
        new("--blkid-udev", PeerValue.None, "what udev wants to know"),
        PeerImage.Device,
        new("--ls", PeerValue.None, "the names in a directory, with --path or --nid"),
        new("--cat", PeerValue.None, "the data of a file, with --path or --nid"),
        new("--nid", PeerValue.Required, "an inode by its number"),
        PeerImage.Offset,
        new("--path", PeerValue.Required, "an inode by its path"),
    ];

    protected override string Usage => "[OPTIONS] IMAGE";

    protected override int Run(PeerLine line)
    {
        long offset = 0;
        ulong? nid = null;
        foreach (PeerSetting setting in line.Settings)
        {
            if (setting.Name == "--offset")
                offset = Number(setting);
            else if (setting.Name == "--nid")
                nid = (ulong)Number(setting);
        }
        (string path, string[] devices) = PeerImage.Files(line);
        bool isOfInode = nid is not null || line.Has("--path");
        if ((line.Has("-e") || line.Has("--ls") || line.Has("--cat")) && !isOfInode)
            throw new PeerException("-e, --ls and --cat need an inode: --path or --nid");
        using ErofsImage image = ErofsImage.Open(PeerImage.Open(path, offset), devices);
        if (line.Has("--blkid-udev"))
        {
            WriteForUdev(image.SuperBlock);
            return ExitCodes.Done;
        }
        bool showsStatistics = line.Has("-S");
        if (line.Has("-s") || (!showsStatistics && !isOfInode))
            WriteSuperBlock(image);
        if (showsStatistics)
            DumpStatistics.Of(image, Session.Interrupts.Token).Write(Output);
        return isOfInode ? ShowInode(image, line, nid) : ExitCodes.Done;
    }

    private void WriteForUdev(SuperBlock superBlock)
    {
        string label = ShownBytes.Of(superBlock.Label.Span);
        if (label.Length > 0)
        {
            Output.WriteLine($"ID_FS_LABEL={label}");
            Output.WriteLine($"ID_FS_LABEL_ENC={label}");
        }
        Output.WriteLine($"ID_FS_UUID={superBlock.Uuid}");
        Output.WriteLine($"ID_FS_UUID_ENC={superBlock.Uuid}");
        Output.WriteLine("ID_FS_TYPE=erofs");
        Output.WriteLine("ID_FS_USAGE=filesystem");
    }

    private void WriteSuperBlock(ErofsImage image)
    {
        SuperBlock superBlock = image.SuperBlock;
        void Line(string label, object value) => Output.WriteLine($"{label + ":",-LabelWidth}{value}");
        Line("Filesystem magic number", $"0x{SuperBlock.Magic:X8}");
        Line("Filesystem blocksize", superBlock.BlockSize);
        Line("Filesystem blocks", superBlock.Blocks);
        Line("Filesystem inode metadata start block", superBlock.MetaBlockAddress);
        Line("Filesystem shared xattr metadata start block", superBlock.XattrBlockAddress);
        Line("Filesystem root nid", superBlock.RootNid);
        if (superBlock.Has(IncompatibleFeatures.Fragments) && superBlock.PackedNid > 0)
            Line("Filesystem packed nid", superBlock.PackedNid);
        if (superBlock.Has(IncompatibleFeatures.Metabox))
            Line("Filesystem metabox nid", superBlock.MetaboxNid);
        if (superBlock.Has(IncompatibleFeatures.CompressionConfigs))
        {
            string[] names = ["lz4", "lzma", "deflate", "zstd"];
            Line("Filesystem compr_algs", string.Join(", ",
                names.Where((_, i) => (superBlock.AlgorithmsOrLz4Distance >> i & 1) != 0)));
        }
        else
        {
            Line("Filesystem lz4_max_distance", superBlock.AlgorithmsOrLz4Distance);
        }
        Line("Filesystem sb_size", superBlock.Size);
        Line("Filesystem inode count", superBlock.InodeCount);
        Line("Filesystem created", PeerText.Moment(new Timestamp(superBlock.Epoch + superBlock.BuildTime, 0)));
        Line("Filesystem compatible features", PeerText.Features(superBlock.Compatible));
        Line("Filesystem incompatible features", PeerText.Features(superBlock.Incompatible));
        Line("Filesystem UUID", superBlock.Uuid);
        if (KernelFor(superBlock) is { } kernel)
            Line("Required upstream Linux kernel version", kernel);
    }

    /// <summary>The newest Linux that one of the features asks for; null if none does.</summary>
    private static Version? KernelFor(SuperBlock superBlock)
    {
        (IncompatibleFeatures Feature, int Major, int Minor)[] needs =
        [
            (IncompatibleFeatures.Lz4ZeroPadding, 5, 4), (IncompatibleFeatures.CompressionConfigs, 5, 13),
            (IncompatibleFeatures.ChunkedFiles, 5, 15), (IncompatibleFeatures.DeviceTable, 5, 16),
            (IncompatibleFeatures.TailPacking, 5, 17), (IncompatibleFeatures.Fragments, 6, 1),
            (IncompatibleFeatures.XattrPrefixes, 6, 4), (IncompatibleFeatures.Wide48Bit, 6, 15),
            (IncompatibleFeatures.Metabox, 6, 17),
        ];
        List<Version> versions = [.. needs.Where(need => superBlock.Has(need.Feature))
            .Select(need => new Version(need.Major, need.Minor))];
        if (superBlock.Has(IncompatibleFeatures.CompressionConfigs))
        {
            Version[] ofCodecs = [new(5, 4), new(5, 16), new(6, 6), new(6, 10)];
            versions.AddRange(ofCodecs.Where((_, i) => (superBlock.AlgorithmsOrLz4Distance >> i & 1) != 0));
        }
        return versions.Max();
    }

    private int ShowInode(ErofsImage image, PeerLine line, ulong? nid)
    {
        Inode inode;
        byte[]? where;
        if (nid is { } number)
        {
            inode = image.ReadInode(number);
            where = PathOf(image, number);
        }
        else
        {
            where = PathBytes.Encode(line.ValueOf("--path")!);
            inode = image.FindInode(where) ?? throw new PeerException($"read inode failed @ {line.ValueOf("--path")}",
                "There is no such file in the image.");
        }
        string path = where is null ? "(not found)" : ShownText.Of(where);
        if (line.Has("--cat"))
            return Cat(image, inode, path);
        InodeInfo info = InodeInfo.Of(image, inode);
        WriteInode(inode, info, path);
        if (line.Has("-e"))
            WriteExtents(info, path);
        if (line.Has("--ls"))
            return List(image, inode, path, where);
        return ExitCodes.Done;
    }

    private int Cat(ErofsImage image, in Inode inode, string path)
    {
        if (inode.Type != NodeType.RegularFile)
            return Fail($"{path} is not a regular file");
        _ = Session.FlushOutput();
        using ContentStream stream = new(image.OpenSource(image.OpenContent(inode)));
        stream.CopyTo(Session.Bytes);
        Session.Bytes.Flush();
        return ExitCodes.Done;
    }

    private void WriteInode(in Inode inode, InodeInfo info, string path)
    {
        bool hasData = inode.Type is NodeType.RegularFile or NodeType.Directory or NodeType.SymbolicLink;
        long stored = hasData ? DumpStatistics.StoredSizeOf(info) : 0;
        InodeRecord record = inode.Record;
        Output.WriteLine($"Path : {path}");
        Output.WriteLine($"Size: {inode.Size}  On-disk size: {stored}  {PeerText.Type(inode.Type)}");
        Output.WriteLine($"NID: {inode.Nid}   Links: {record.LinkCount}   Layout: {(int)record.Layout}   Compression ratio: " +
            PeerText.Percent(inode.Size == 0 ? 0 : 100.0 * stored / inode.Size));
        Output.WriteLine($"Inode size: {record.RecordSize}   Xattr size: {record.XattrSize}");
        Output.WriteLine($"Uid: {record.UserId}   Gid: {record.GroupId}  Access: {PeerText.Access(record.Mode)}");
        Output.WriteLine($"Timestamp: {PeerText.Exact(new Timestamp(record.Seconds, record.Nanoseconds))}");
    }

    private void WriteExtents(InodeInfo info, string path)
    {
        Output.WriteLine();
        Output.WriteLine(" Ext:   logical offset   |  length :     physical offset    |  length");
        int count = 0;
        foreach (InodeExtent extent in info.Extents.Where(extent => extent.Length > 0))
        {
            bool isElsewhere = extent.IsFragment || extent.Source is null;
            long at = isElsewhere ? 0 : extent.Offset, stored = isElsewhere ? 0 : extent.StoredLength;
            Output.WriteLine($"{count++,4}: {extent.Logical,8}..{extent.Logical + extent.Length,8} | {extent.Length,7} : " +
                $"{at,10}..{at + stored,10} | {stored,7}");
        }
        Output.WriteLine($"{path}: {count} extents found");
    }

    private int List(ErofsImage image, in Inode inode, string path, byte[]? where)
    {
        if (inode.Type != NodeType.Directory)
            return Fail($"{path} is not a directory");
        Output.WriteLine();
        Output.WriteLine("       NID TYPE  FILENAME");
        // The reader leaves out what names the directory itself and its parent; they stand among the names, sorted.
        ReadOnlySpan<byte> up = where is null ? default : where.AsSpan().TrimEnd((byte)'/');
        up = up[..Math.Max(0, up.LastIndexOf((byte)'/'))];
        List<DirectoryItem> items = [.. DirectoryReader.Enumerate(image, inode),
            new("."u8.ToArray(), inode.Nid, DirectoryFileType.Directory, 0),
            new(".."u8.ToArray(), image.FindInode(up)?.Nid ?? inode.Nid, DirectoryFileType.Directory, 0)];
        items.Sort((one, other) => one.Name.Span.SequenceCompareTo(other.Name.Span));
        foreach (DirectoryItem item in items)
            Output.WriteLine($"{item.Nid,10} {(int)item.Type,4}  {ShownText.Of(item.Name.Span)}");
        return ExitCodes.Done;
    }

    /// <summary>The first path that leads to an inode; null if none does.</summary>
    private static byte[]? PathOf(ErofsImage image, ulong nid)
    {
        ulong root = image.SuperBlock.RootNid;
        if (nid == root)
            return [(byte)'/'];
        HashSet<ulong> seen = [root];
        Stack<(ulong Nid, byte[] Path)> open = new();
        open.Push((root, []));
        while (open.TryPop(out (ulong Nid, byte[] Path) directory))
        {
            foreach (DirectoryItem item in DirectoryReader.Enumerate(image, image.ReadInode(directory.Nid)))
            {
                byte[] path = [.. directory.Path, (byte)'/', .. item.Name.Span];
                if (item.Nid == nid)
                    return path;
                if (item.Type == DirectoryFileType.Directory && seen.Add(item.Nid))
                    open.Push((item.Nid, path));
            }
        }
        return null;
    }
}
