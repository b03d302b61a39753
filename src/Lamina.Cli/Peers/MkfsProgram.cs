using System.Globalization;
using System.Text;
using Lamina.Building;
using Lamina.Compression;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Cli.Peers;

/// <summary><c>mkfs.erofs</c>: a thin translation of its options into those of <c>lamina build</c>.</summary>
internal sealed class MkfsProgram(Session session) : PeerProgram(session)
{
    private const int PageSize = 4096, MaxLabel = 15, TarBlock = 512;

    private const string StandardInput = "-", RandomUuid = "/proc/sys/kernel/random/uuid";

    public override string Name => "mkfs.erofs";

    public override IReadOnlyList<PeerOption> Options { get; } = [.. Common, .. MkfsOptions.All];

    protected override string Usage => "[OPTIONS] FILE SOURCE(s)";

    protected override int Run(PeerLine line)
    {
        MkfsFeatures features = new();
        foreach (PeerSetting setting in line.Settings)
        {
            Check(setting);
            if (setting.Name == "-E")
                features.Add(setting.Value!, Warn);
        }
        (string output, string[] sources) = Files(line);
        bool isIndex = line.ValueOf("--tar") == "i";
        WriteOptions writing = Writing(line, features, isIndex);
        bool strips = line.Has("--ovlfs-strip") && line.ValueOf("--ovlfs-strip") != "0";
        LayerOptions reading = new()
        {
            // Names that stand for what is hidden are files like others, unless they are to be translated.
            Rules = line.Has("--tar") ? line.Has("--aufs") ? WhiteoutRules.Oci : WhiteoutRules.Cpio
                : sources.Any(HostFile.IsDirectory) ? WhiteoutRules.Cpio : null,
        };
        WriteResult result;
        using (ProgressLine progress = new(Session, "writing"))
        using (Session.Interrupts.Writing(output))
        {
            result = MergedImage.Create(sources, output, writing with
            {
                Progress = progress,
                Cancellation = Session.Interrupts.Token,
            }, new MergeOptions { KeepWhiteouts = !strips, LeavesOut = LeftOut(line, strips) }, reading);
        }
        foreach (string warning in result.Warnings)
            Warn(warning);
        if (!line.Has("--quiet") && line.ValueOf("-d") != "0")
            Report(output, result);
        return ExitCodes.Done;
    }

    private void Report(string output, WriteResult result)
    {
        using ErofsImage image = ErofsImage.Open(ByteSource.OpenFile(output));
        Format.SuperBlock superBlock = ErofsImage.ReadSuperBlock(image.Primary.Bytes);
        Output.WriteLine($"{Name} {Version}");
        Output.WriteLine("Build completed.");
        Output.WriteLine();
        Output.WriteLine("------");
        Output.WriteLine($"Filesystem UUID: {superBlock.Uuid}");
        Output.WriteLine($"Filesystem total blocks: {superBlock.Blocks} (of {superBlock.BlockSize}-byte blocks)");
        Output.WriteLine($"Filesystem total inodes: {superBlock.InodeCount}");
        Output.WriteLine("Filesystem total metadata blocks: " +
            $"{(result.MetadataLength + superBlock.BlockSize - 1) / superBlock.BlockSize}");
    }

    private static (string Output, string[] Sources) Files(PeerLine line)
    {
        if (line.Operands.Count == 0)
            throw new PeerException("missing argument: FILE");
        string[] sources = [.. line.Operands.Skip(1)];
        bool isTar = line.Has("--tar");
        if (sources.Length == 0 && !isTar)
            throw new PeerException("missing argument: SOURCE(s)");
        if (isTar && sources.Length > 1)
            throw new PeerException($"unexpected argument: {sources[1]}");
        foreach (string source in sources)
        {
            if (source != StandardInput && !HostFile.Exists(source) && !HostFile.IsDirectory(source))
                throw new PeerException($"{source}: there is no such file");
        }
        // An "@" is a part of a name here.
        return (line.Operands[0], sources.Length == 0 ? [StandardInput] : [.. sources.Select(name => LayerOpener.Join(name))]);
    }

    /// <summary>Refuses values that are none.</summary>
    private static void Check(PeerSetting setting)
    {
        bool isWrong = setting.Name switch
        {
            "-d" => Number(setting) > 9,
            "-x" => !int.TryParse(setting.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _),
            "--tar" => setting.Value is not ("f" or "i" or "0"),
            "--clean" => setting.Value is not "data",
            "--zD" or "--MZ" => setting.Value is not "0",
            "--async-queue-limit" or "--workers" => Number(setting, int.MaxValue) < 0,
            "--chunksize" => !long.IsPow2(Number(setting)) || Number(setting) < TarBlock,
            "--ungzip" or "--unxz" => setting.Value is not null,
            _ => false,
        };
        if (isWrong)
            throw new PeerException($"{setting.Name}: {setting.Value ?? "this"} is not supported");
    }

    private WriteOptions Writing(PeerLine line, MkfsFeatures features, bool isIndex)
    {
        int blockSize = line.ValueOf("-b") is null ? isIndex ? TarBlock : PageSize
            : (int)Number(line.Settings.FindLast(setting => setting.Name == "-b"), int.MaxValue);
        if (blockSize is not (512 or 1024 or 2048 or 4096))
            throw new PeerException($"invalid block size {blockSize}: 512, 1024, 2048 and 4096 are possible");
        string? label = line.ValueOf("-L");
        if (label is not null && PathBytes.Encode(label).Length is 0 or > MaxLabel)
            throw new PeerException($"invalid volume label {label}: 1 to {MaxLabel} bytes are possible");
        (InodeChanges changes, Timestamp? buildTime) = MkfsInodes.Of(line, features.IsExtended);
        if (isIndex && line.Has("-z"))
            throw new PeerException("-z: with --tar=i data stays in the tar, as it is");
        return new WriteOptions
        {
            Mode = isIndex ? OutputMode.Index : OutputMode.Full,
            Kernel = features.IsPacked ? KernelProfile.Linux615 : null,
            BlockSize = blockSize,
            ComputeDigests = false,
            Label = label,
            Uuid = Uuid(line.ValueOf("-U")),
            OmitsChecksum = features.OmitsChecksum,
            BuildTime = buildTime,
            Changes = changes,
            Encoding = isIndex ? null : Encoding(line, features, blockSize),
            Overwrite = true,
            Threads = line.Has("--workers") ? (int)Number(line.Settings.FindLast(setting => setting.Name == "--workers")) : 0,
        };
    }

    private EncodeOptions Encoding(PeerLine line, MkfsFeatures features, int blockSize)
    {
        IReadOnlyList<(Codec? Codec, int? Level)> codecs =
            line.ValueOf("-z") is { } named ? MkfsCodecs.Parse(named, Warn) : [(null, null)];
        (Codec? codec, int? level) = codecs[0];
        int cluster = Math.Max(PageSize, blockSize);
        if (line.ValueOf("-C") is { } size)
        {
            cluster = SizeText.Parse(size) is { } bytes && EncodeArguments.IsClusterSize(bytes) ? (int)bytes
                : throw new PeerException($"invalid physical clustersize {size}: a power of two from 4096 to 1048576 is needed");
        }
        return new EncodeOptions
        {
            Codec = codec,
            Level = level,
            ClusterSize = cluster,
            Fragments = codec is null ? FragmentUse.None : features.Fragments,
            HasInlineTails = codec is null ? features.HasInlineData : features.HasTailPacking,
            IsPacked = features.IsPacked && codec is not null,
            Dedupes = features.Dedupes && codec is not null,
            Hints = codec is not null && line.ValueOf("--compress-hints") is { } hints
                ? HintsFile.Read(hints, codecs, cluster) : [],
        };
    }

    private static Guid? Uuid(string? text) => text switch
    {
        null => null,
        "clear" => Guid.Empty,
        // What is asked for is chance, and the kernel has it; nothing else of an image comes from there.
        "random" => Guid.Parse(HostFile.ReadLines(RandomUuid).First()),
        _ => Guid.TryParseExact(text, "D", out Guid uuid) ? uuid : throw new PeerException($"invalid UUID {text}"),
    };

    private static Func<byte[], Node, bool>? LeftOut(PeerLine line, bool strips)
    {
        HashSet<string> paths = [.. line.Settings.Where(setting => setting.Name == "--exclude-path")
            .Select(setting => System.Text.Encoding.Latin1.GetString(PathBytes.Encode(setting.Value!.Trim('/'))))];
        PathRegex[] patterns = [.. line.Settings.Where(setting => setting.Name == "--exclude-regex").Select(Pattern)];
        if (paths.Count == 0 && patterns.Length == 0 && !strips)
            return null;
        return (path, node) => paths.Contains(System.Text.Encoding.Latin1.GetString(path)) || (strips && node.IsWhiteout)
            || patterns.Any(pattern => pattern.IsMatch(path));
    }

    private static PathRegex Pattern(PeerSetting setting) =>
        PathRegex.Parse(System.Text.Encoding.Latin1.GetString(PathBytes.Encode(setting.Value!)))
            ?? throw new PeerException($"invalid regex {setting.Value}");
}
