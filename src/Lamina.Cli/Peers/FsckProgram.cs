using Lamina.Checking;
using Lamina.Exporting;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Cli.Peers;

/// <summary>
/// <c>fsck.erofs</c>: a thin translation of its options into those of <c>lamina check</c> and <c>lamina extract</c>.
/// </summary>
internal sealed class FsckProgram(Session session) : PeerProgram(session)
{
    private const int Talkative = 3;

    public override string Name => "fsck.erofs";

    public override IReadOnlyList<PeerOption> Options { get; } =
    [
        .. Common,
        new("-d", PeerValue.Required, "0 to 9: how much is said"),
        new("-p", PeerValue.None, "print the ratio of compression of all files"),
        PeerImage.Device,
        new("--extract", PeerValue.Optional, "read all data; with a directory, extract into it"),
        PeerImage.Offset,
        new("--path", PeerValue.Required, "with --extract=X: extract this alone"),
        new("--no-sbcrc", PeerValue.None, "let the checksum of the superblock be wrong"),
        new("--xattr-inode-digest", PeerValue.None, "changes nothing: fingerprints that are announced are checked"),
        new("--xattrs", PeerValue.None, "changes nothing: attributes are extracted"),
        new("-a", PeerValue.None, "changes nothing"),
        new("-A", PeerValue.None, "changes nothing"),
        new("-y", PeerValue.None, "changes nothing"),
        new("--force", PeerValue.None, "allow to extract into the root directory"),
        new("--overwrite", PeerValue.None, "replace files that exist"),
        new("--preserve", PeerValue.None, "keep owners and permissions (default for root)"),
        new("--no-preserve", PeerValue.None, "files belong to who runs this, and lend nobody's rights"),
        new("--preserve-owner", PeerValue.None, "keep owners (default for root)"),
        new("--no-preserve-owner", PeerValue.None, "files belong to who runs this, and lend nobody's rights"),
        new("--preserve-perms", PeerValue.None, "keep permissions (default)"),
        Refused("--no-preserve-perms", PeerValue.None, "permissions are kept; --no-preserve-owner drops what lends rights"),
        Refused("--no-xattrs", PeerValue.None, "attributes are a part of files"),
        Refused("--nid", PeerValue.Required, "files are named by --path"),
    ];

    protected override string Usage => "[OPTIONS] IMAGE";

    private static PeerOption Refused(string name, PeerValue value, string why) => new(name, value, why) { Refusal = why };

    protected override int Run(PeerLine line)
    {
        long offset = 0, level = 2;
        foreach (PeerSetting setting in line.Settings)
        {
            if (setting.Name == "--offset")
                offset = Number(setting);
            else if (setting.Name == "-d")
                level = Number(setting, 9);
        }
        (string path, string[] devices) = PeerImage.Files(line);
        string? target = line.ValueOf("--extract");
        if (line.Has("--path") && target is null)
            throw new PeerException("--path: all of an image is checked; it is for --extract=X");
        if (target is not null && HostFile.FullPath(target) == "/" && !line.Has("--force"))
            throw new PeerException("--extract=/ writes into the root directory", "Say --force if that is what you want.");
        if (!IsSound(path, devices, offset, line))
            return Fail($"{path}: found some filesystem corruption");
        if (line.Has("-p"))
            WriteRatio(path, devices, offset);
        int code = target is null ? ExitCodes.Done : Extract(path, devices, offset, target, line);
        if (level >= Talkative && code == ExitCodes.Done)
            Output.WriteLine("No errors found");
        return code;
    }

    private bool IsSound(string path, string[] devices, long offset, PeerLine line)
    {
        using ByteSource source = PeerImage.Open(path, offset);
        using ProgressLine progress = new(Session, "checking");
        CheckReport report = ImageChecker.Check(source, devices, new CheckOptions
        {
            Progress = progress,
            Cancellation = Session.Interrupts.Token,
        });
        bool isSound = true;
        foreach (ImageFault fault in report.Faults)
        {
            Warn(fault.ToString());
            isSound &= fault.Severity == FaultSeverity.Warning || (line.Has("--no-sbcrc") && IsChecksum(fault));
        }
        return isSound && report.IsComplete;
    }

    private static bool IsChecksum(ImageFault fault) =>
        fault.ToString().Contains("superblock", StringComparison.OrdinalIgnoreCase)
        && fault.ToString().Contains("checksum", StringComparison.OrdinalIgnoreCase);

    private void WriteRatio(string path, string[] devices, long offset)
    {
        using ErofsImage image = ErofsImage.Open(PeerImage.Open(path, offset), devices);
        DumpStatistics statistics = DumpStatistics.Of(image, Session.Interrupts.Token);
        double ratio = statistics.OriginalSize == 0 ? 100 : 100.0 * statistics.StoredSize / statistics.OriginalSize;
        Output.WriteLine($"Compression ratio: {PeerText.Percent(ratio)}");
    }

    private int Extract(string path, string[] devices, long offset, string target, PeerLine line)
    {
        using ErofsImage image = ErofsImage.Open(PeerImage.Open(path, offset), devices);
        Node root = image.Root;
        ReadOnlyMemory<byte>[] paths = [];
        if (line.ValueOf("--path") is { } named)
        {
            byte[] wanted = NodePath.Normalize(Platform.PathBytes.Encode(named));
            Node node = NodePath.Find(root, wanted, path);
            if (node.IsDirectory)
                root = node;                        // what is in it comes into the directory
            else
                paths = [wanted];
        }
        bool keepsOwners = line.Settings.FindLast(setting => setting.Name.Contains("preserve", StringComparison.Ordinal))
            .Name?.StartsWith("--no-", StringComparison.Ordinal) != true;
        using ProgressLine progress = new(Session, "extracting");
        using ManualResetEventSlim finished = new();
        using IDisposable scope = Session.Interrupts.During(finished.Wait);
        ExtractResult result;
        try
        {
            result = Extractor.Extract(path, root, target, new ExtractOptions
            {
                Paths = paths,
                SetsOwners = keepsOwners ? null : false,
                Overwrite = line.Has("--overwrite"),
                Inputs = [image.Primary.Bytes, .. image.Devices.Select(device => device.Bytes)],
                Progress = progress,
                Cancellation = Session.Interrupts.Token,
            });
        }
        finally
        {
            finished.Set();
        }
        foreach (string warning in result.Warnings)
            Warn(warning);
        return result.Warnings.Count == 0 ? ExitCodes.Done : ExitCodes.No;
    }
}
