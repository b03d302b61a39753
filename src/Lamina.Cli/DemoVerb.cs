using System.CommandLine;
using System.Diagnostics;
using Lamina.Describing;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Mounting;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Cli;

/// <summary><c>lamina demo</c>: shows on small layers that come with the program what it does, and proves it.</summary>
internal sealed class DemoVerb : Verb
{
    private static readonly string[] s_layers = ["base.erofs", "app.erofs", "config.tar"];

    private static readonly Dictionary<string, string> s_about = new()
    {
        ["base.erofs"] = "EROFS, LZ4 in clusters of 64 KiB",
        ["app.erofs"] = "EROFS, Zstandard, small files packed together; removes and hides files of the base",
        ["config.tar"] = "a tar, written just now; replaces a script, removes a file",
    };

    /// <summary>
    /// The modes, and how many of the layers are merged in each: an index does not copy, and tars ask for copies.
    /// </summary>
    private static readonly (OutputMode Mode, int Layers, string About)[] s_modes =
    [
        (OutputMode.Flat, 3, "one file, the layers in it as they are"),
        (OutputMode.Index, 2, "metadata alone, here of the two images, to mount together with them"),
        (OutputMode.Full, 3, "one file, what nobody sees left out"),
    ];

    private readonly Option<bool> _keep = new("--keep") { Description = "Keep the layers and the merged image, and say where" };
    private string _folder = "";
    private bool _isMounted;

    public DemoVerb(Session session) : base(session, "demo",
        "Merges three small layers that come with the program, checks the result against them, " +
            "and mounts it where that is possible.",
        "lamina demo",
        "lamina demo --keep    # to look at the files afterwards")
    {
        Add(_keep);
    }

    private string Image => PathOf("root.erofs");

    private string MountPoint => PathOf("mnt");

    protected override int Run(ParseResult arguments)
    {
        bool keeps = arguments.GetValue(_keep);
        _folder = HostFile.MakeTemporaryDirectory("lamina-demo-");
        using IDisposable scope = Session.Interrupts.During(CleanUp);
        try
        {
            MakeLayers();
            MergeAccount account = MergeThem();
            using Layer merged = LayerOpener.Open(Image);
            ShowTree(merged.Root);
            Explain(account);
            Check();
            Mount(merged.Root);
            Output.WriteLine();
            Output.WriteLine(keeps ? $"All is well. The files are in {_folder}"
                : "All is well. Nothing is left behind; --keep would keep the files.");
            return ExitCodes.Done;
        }
        finally
        {
            if (keeps)
                Unmount();
            else
                CleanUp();
        }
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private void Title(string text)
    {
        Session.Interrupts.Token.ThrowIfCancellationRequested();
        Output.WriteLine();
        Output.WriteLine(Session.UsesColour ? $"\e[1m{text}\e[0m" : text);
    }

    /// <summary>Writes the layers into a folder.</summary>
    internal static void WriteLayers(string folder)
    {
        foreach (string name in s_layers[..2])
        {
            using Stream from = typeof(DemoVerb).Assembly.GetManifestResourceStream(name)!;
            using FileStream to = new(Path.Combine(folder, name), FileMode.CreateNew);
            from.CopyTo(to);
        }
        DemoTar.Write(Path.Combine(folder, s_layers[2]));
    }

    private void MakeLayers()
    {
        WriteLayers(_folder);
        Output.WriteLine("Three layers become one read-only file system that the kernel mounts as it is.");
        Title("The layers, lowest first: the later one wins");
        foreach (string name in s_layers)
            Output.WriteLine($"  {name,-11} {Texts.Size(new FileInfo(PathOf(name)).Length),7}  {s_about[name]}");
    }

    private MergeAccount MergeThem()
    {
        Title("$ lamina merge base.erofs app.erofs config.tar -o root.erofs --explain");
        MergeAccount account = new();
        long start = Stopwatch.GetTimestamp();
        WriteResult result = MergedImage.Create(
            [.. s_layers.Select(PathOf)], Image, new WriteOptions(), new MergeOptions { Account = account });
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        long layers = s_layers.Sum(name => new FileInfo(PathOf(name)).Length);
        Output.WriteLine($"  root.erofs is {Texts.Size(result.Length)}: the layers as they are " +
            $"({Texts.Size(layers)}), a header, and {Texts.Size(result.MetadataLength)} of");
        Output.WriteLine($"  metadata that refers to the data in them. Nothing was compressed again; " +
            $"it took {took.TotalMilliseconds:0} ms.");
        Output.WriteLine($"  It mounts on Linux {result.Kernel} and later.");
        return account;
    }

    private void ShowTree(Node root)
    {
        Title("$ lamina ls -R root.erofs");
        string[] paths = [.. DemoOracle.Paths(root)];
        string[] pages = [.. paths.Where(path => path.StartsWith("/app/pages/", StringComparison.Ordinal))];
        foreach (string[] row in paths.Except(pages).Append($"/app/pages/1.txt ... {pages.Length}.txt")
            .Order(StringComparer.Ordinal).Chunk(3))
            Output.WriteLine("  " + string.Concat(row.Select(path => path.PadRight(30))).TrimEnd());
    }

    private void Explain(MergeAccount account)
    {
        Title("Who won where");
        foreach (MergeEvent what in account.Events.Where(what => what.Outcome != MergeOutcome.Merged))
        {
            string winner = s_layers[what.Winner], hidden = string.Join(", ", what.Hidden.Select(layer => s_layers[layer]));
            string text = what.Outcome switch
            {
                MergeOutcome.Removed => $"{winner} removes it ({hidden} had it)",
                MergeOutcome.Replaced => $"{winner} replaces that of {hidden}",
                _ => $"{winner} hides the directory of {hidden} as a whole",
            };
            Output.WriteLine($"  {ShownText.Of(what.Path.Span),-16} {text}");
        }
    }

    private void Check()
    {
        Title("Checked, file by file, against the layers");
        List<Layer> layers = [];
        try
        {
            foreach (string name in s_layers)
                layers.Add(LayerOpener.Open(PathOf(name)));
            foreach ((OutputMode mode, int count, string about) in s_modes)
            {
                string name = mode.ToString().ToLowerInvariant(), image = mode == OutputMode.Flat ? Image
                    : PathOf($"{name}.erofs");
                IReadOnlyList<string> devices = mode == OutputMode.Flat ? []
                    : MergedImage.Create([.. s_layers[..count].Select(PathOf)], image, new WriteOptions { Mode = mode }).Devices;
                using Layer merged = LayerOpener.Open(LayerOpener.Join(image, devices));
                Output.WriteLine($"  --mode {name,-5} {Texts.Size(new FileInfo(image).Length),6}  {about}");
                Output.WriteLine($"    {new DemoOracle(layers[..count]).Compare(merged.Root)}: as the winning layer has it");
            }
        }
        finally
        {
            layers.ForEach(layer => layer.Dispose());
        }
        using ByteSource flat = ByteSource.OpenFile(Image);
        foreach (ImageOriginal original in ImageInfo.Read(Image).Originals!)
        {
            string name = ShownText.Of(original.Name.Span);
            using ByteSource file = ByteSource.OpenFile(PathOf(name));
            DemoOracle.CompareBytes(name, ByteSource.Slice(flat, name, original.Start!.Value, original.Length), file);
        }
        Output.WriteLine($"  Bit for bit. And {string.Join(", ", s_layers)} lie in root.erofs as they were.");
    }

    private void Mount(Node merged)
    {
        Title("$ lamina mount root.erofs mnt");
        Directory.CreateDirectory(MountPoint);
        try
        {
            Mounter.Mount(new MountRequest(Image, [], MountPoint));
            _isMounted = true;
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            string why = OperatingSystem.IsLinux() && !Environment.IsPrivilegedProcess
                ? "mounting needs root" : refusal.Message.Split('\n')[0];
            Output.WriteLine($"  Not mounted here: {why}");
            return;
        }
        string[] names = [.. Directory.EnumerateFileSystemEntries(MountPoint)
            .Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
        Output.WriteLine($"  $ ls mnt             {string.Join("  ", names)}");
        Output.WriteLine($"  $ cat mnt/etc/motd   {File.ReadAllText(Path.Combine(MountPoint, "etc/motd")).TrimEnd()}");
        Output.WriteLine($"  {CompareMounted(merged)}: the kernel (Linux {Environment.OSVersion.Version.ToString(2)}) " +
            "shows the same, bit for bit.");
        Unmount();
    }

    /// <summary>Compares what the kernel shows with what the library reads.</summary>
    private Compared CompareMounted(Node merged)
    {
        string[] expected = [.. DemoOracle.Paths(merged).Order(StringComparer.Ordinal)];
        string[] found = [.. MountedPaths(new DirectoryInfo(MountPoint)).Order(StringComparer.Ordinal)];
        string? difference = expected.Except(found).Concat(found.Except(expected)).FirstOrDefault();
        if (difference is not null)
            throw new NoException($"{difference} is not both in the image and in what the kernel shows of it");
        long files = 0, bytes = 0;
        foreach (string path in expected)
        {
            Node node = NodePath.Find(merged, NameText.Parse(path), "root.erofs");
            if (node.Type != NodeType.RegularFile)
                continue;
            using ByteSource file = ByteSource.OpenFile(MountPoint + path);
            files++;
            bytes += DemoOracle.CompareBytes(path, file, node.Content.Open(path));
        }
        return new Compared(expected.Length, files, bytes);
    }

    /// <summary>All paths below a directory of the mount; links are not followed.</summary>
    private IEnumerable<string> MountedPaths(DirectoryInfo directory)
    {
        foreach (FileSystemInfo info in directory.EnumerateFileSystemInfos())
        {
            yield return info.FullName[MountPoint.Length..];
            if (info is not DirectoryInfo { LinkTarget: null } below)
                continue;
            foreach (string path in MountedPaths(below))
                yield return path;
        }
    }

    private void Unmount()
    {
        if (!_isMounted)
            return;
        Mounter.Unmount(MountPoint);
        _isMounted = false;
    }

    private void CleanUp()
    {
        Unmount();
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }
}
