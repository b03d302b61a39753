using System.Globalization;
using Lamina.Boot;
using Lamina.Platform;

namespace Lamina.Init;

/// <summary>
/// What other archives put into rootfs: plain cpios that somebody appended, systemd-stub's /.extra. It comes on top of the
/// layers, as it would if they were such archives themselves.
/// </summary>
internal sealed class OtherFiles
{
    /// <summary>rootfs without what is mounted over its directories.</summary>
    private const string Rootfs = "/lamina/rootfs";

    private const string Run = "run", Home = "root";
    private const string Whole = "the archive that brought it is cut off, or memory was too small to unpack it";

    /// <summary>What the kernel writes if it could not unpack everything, and can use block devices in memory.</summary>
    private const string Refused = "initrd.image";

    /// <summary>Memory for one file while it is in both places, and for the names of the new ones.</summary>
    private const long LeastMemory = 8 << 20;

    private static readonly string[] s_own = ["init", BootFiles.Folder, "dev", "proc", "sys", Run];

    /// <summary>For the processor and the firmware's tables: the kernel has read them before it unpacked anything.</summary>
    private static readonly string[] s_early = ["kernel/x86/microcode", "kernel/firmware/acpi", "early_cpio"];

    private readonly List<byte[]> _names = [];
    private FileStatus _root;
    private bool _hasRoot, _hasRun, _keepsHome, _keepsTimes;
    private long _bytes;

    private OtherFiles()
    {
    }

    /// <summary>Whether they are moved to the new root.</summary>
    public bool AreKept { get; private set; }

    /// <summary>The bytes in them.</summary>
    public long Size => AreKept ? _bytes : 0;

    /// <summary>Looks at rootfs, as the kernel left it: before anything is mounted.</summary>
    public static OtherFiles Find()
    {
        OtherFiles others = new();
        using OpenFolder root = OpenFolder.Open("/");
        others._root = root.Find("."u8)!.Value;
        FileStatus? init = root.Find("init"u8), folder = root.Find("lamina"u8);
        // Lamina's own archive has no times: a kernel that takes over those of archives has set this one to nothing.
        others._keepsTimes = init is { ModifiedSeconds: 0, ModifiedNanoseconds: 0 };
        // A name made in a directory changes both of its times; only an archive's entry for it changes one alone.
        FileStatus at = others._root;
        others._hasRoot = at.ModifiedSeconds != at.ChangedSeconds || at.ModifiedNanoseconds != at.ChangedNanoseconds
            || (at.Mode & 0xFFF) != 0x1ED || (at.User | at.Group) != 0;
        foreach (byte[] name in root.Names())
        {
            string text = PathBytes.Decode(name);
            FileStatus status = root.Find(name)!.Value;
            bool isFolder = status.Type == FileStatus.Directory;
            if (text == Run && isFolder)
                others._hasRun = HasOthers(root, name, text);
            if (text == Home && isFolder && folder is { } ours && IsBefore(status, ours))
                others._keepsHome = true;       // the kernel's own archive has it, and each before that of the boot loader
            bool isExpected = text == Home ? others._keepsHome : IsOnTheWay(text);
            bool isOthers = !s_own.Contains(text) && (!isFolder || !isExpected || HasOthers(root, name, text));
            if (isOthers)
                others._names.Add(name);
        }
        return others;
    }

    /// <summary>Decides what becomes of them, and says so.</summary>
    /// <exception cref="BootFailure">One is not whole.</exception>
    public void Decide(BootOptions options)
    {
        NameCollisions();
        if (_names.Count == 0 && !_hasRun)
            return;
        AreKept = options.Foreign == ForeignPolicy.Keep || (options.Foreign == ForeignPolicy.Auto && options.Trust is null);
        Bind();
        using OpenFolder root = OpenFolder.Open(Rootfs, "/");
        foreach (byte[] name in _hasRun ? _names.Append("run"u8.ToArray()) : _names)
        {
            (long count, long bytes) = AreKept ? Survey(root, name, PathBytes.Decode(name)) : (0, 0);
            _bytes += bytes;
            string reason = options.Foreign == ForeignPolicy.Drop ? "lamina.foreign=drop"
                : "no root hash covers it, and there is no lamina.foreign=keep";
            KernelLog.Say(AreKept ? string.Create(CultureInfo.InvariantCulture,
                    $"from other archives, on top of the layers: {root.PathOf(name)}, {count} files, {(bytes + 1023) / 1024} KiB")
                : $"from other archives, left out ({reason}): {root.PathOf(name)}");
        }
        if (!AreKept)
            Unbind();
    }

    /// <summary>Moves them into the new root.</summary>
    /// <param name="target">Where that is mounted.</param>
    /// <param name="movesRun">Whether what is mounted on /run goes along, so that files for it belong there.</param>
    /// <exception cref="BootFailure">One cannot be moved.</exception>
    public void Move(string target, bool movesRun)
    {
        if (!AreKept)
            return;
        RequireMemory();
        try
        {
            using OpenFolder from = OpenFolder.Open(Rootfs, "/"), to = OpenFolder.Open(target, "/");
            FileStatus before = to.Find("."u8)!.Value;
            FileMover mover = new(to, IsEarly);
            foreach (byte[] name in _names)
                mover.Move(from, to, name, [], setsAttributes: !(_keepsHome && name.AsSpan().SequenceEqual("root"u8)));
            if (_hasRoot)
                FileMover.CopyAttributes(from, _root, to, before);
            else if (!FileMover.SetTime(to, before))
                throw to.Failure("."u8, "cannot be given its time");
            if (_hasRun && !movesRun)
            {
                mover.Move(from, to, "run"u8.ToArray(), [], setsAttributes: true);
            }
            else if (_hasRun)
            {
                using OpenFolder run = from.Child("run"u8), mounted = OpenFolder.Open("/run");
                new FileMover(mounted, _ => false).MoveAll(run, mounted, []);
            }
        }
        catch (IOException failure)
        {
            throw new BootFailure($"{failure.Message} (what other archives brought is left out with lamina.foreign=drop)");
        }
        Unbind();
    }

    private static bool IsEarly(string path) => s_early.Contains(path);

    private static bool IsOnTheWay(string path) =>
        s_early.Any(early => early.StartsWith($"{path}/", StringComparison.Ordinal));

    private static bool IsBefore(in FileStatus first, in FileStatus second) => first.ChangedSeconds < second.ChangedSeconds
        || (first.ChangedSeconds == second.ChangedSeconds && first.ChangedNanoseconds < second.ChangedNanoseconds);

    /// <summary>Whether a directory has anything but early files.</summary>
    private static bool HasOthers(OpenFolder above, byte[] name, string path)
    {
        using OpenFolder folder = above.Child(name);
        foreach (byte[] child in folder.Names())
        {
            string text = $"{path}/{PathBytes.Decode(child)}";
            if (IsEarly(text))
                continue;
            if (!IsOnTheWay(text) || folder.Find(child)!.Value.Type != FileStatus.Directory || HasOthers(folder, child, text))
                return true;
        }
        return false;
    }

    /// <summary>Counts files and bytes, and makes sure that all are whole.</summary>
    private (long Count, long Bytes) Survey(OpenFolder above, byte[] name, string path)
    {
        FileStatus status = above.Find(name)!.Value;
        if (IsEarly(path))
            return (0, 0);
        if (status.Type != FileStatus.Directory)
        {
            // The kernel gives a file its full length, then its bytes, and its time last: whole seconds, as archives have them.
            bool isPart = _keepsTimes && status.Type == FileStatus.RegularFile && status.Size > 0
                && status.ModifiedNanoseconds != 0;
            if (isPart)
            {
                throw new BootFailure(path == Refused
                    ? "the kernel could not unpack all archives; its log says why (lamina.foreign=drop boots with the layers)"
                    : $"{above.PathOf(name)}: only a part of it is there: {Whole} (lamina.foreign=drop boots without it)");
            }
            return (1, (long)status.Blocks * 512);
        }
        using OpenFolder folder = above.Child(name);
        long count = 0, bytes = 0;
        foreach (byte[] child in folder.Names())
        {
            (long more, long size) = Survey(folder, child, $"{path}/{PathBytes.Decode(child)}");
            (count, bytes) = (count + more, bytes + size);
        }
        return (count, bytes);
    }

    /// <summary>Says what others put where only Lamina looks.</summary>
    private static void NameCollisions()
    {
        string[] known = [BootFiles.Layers, BootFiles.Lists, BootFiles.Marks, BootFiles.Modules, BootFiles.RootHashes,
            BootFiles.Index, BootFiles.Shell, BootFiles.Options];
        if (!Directory.Exists($"/{BootFiles.Folder}"))
            return;
        using OpenFolder folder = OpenFolder.Open($"/{BootFiles.Folder}");
        foreach (byte[] name in folder.Names())
        {
            if (!known.Contains($"{BootFiles.Folder}/{PathBytes.Decode(name)}"))
                KernelLog.Warn($"{folder.PathOf(name)} is left out: /{BootFiles.Folder} is a name of Lamina's own");
        }
    }

    private static void RequireMemory()
    {
        string? line = File.ReadLines("/proc/meminfo").FirstOrDefault(line =>
            line.StartsWith("MemAvailable:", StringComparison.Ordinal));
        string[] words = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        bool isKnown = words.Length > 1 & long.TryParse(words.ElementAtOrDefault(1), NumberStyles.None,
            CultureInfo.InvariantCulture, out long available);
        if (isKnown && available << 10 < LeastMemory)
            throw new BootFailure($"{available} KiB of memory are left, {LeastMemory >> 10} are needed to move files");
    }

    private static void Bind()
    {
        const nuint bind = 4096;
        Directory.CreateDirectory(Rootfs);
        if (Native.Mount("/", Rootfs, null, bind, null) != 0)
            throw new BootFailure($"/ cannot be shown at {Rootfs}: {Native.LastError}");
    }

    private static void Unbind() => Mounting.MountCall.Unmount(Rootfs, lazy: true);
}
