using System.Diagnostics;
using System.Text;
using Lamina.Layers;
using Lamina.Tree;
using static Lamina.Tests.Layers.TarTree;

namespace Lamina.Tests.Layers;

/// <summary>Archives that GNU tar made, compared with the directory it made them of.</summary>
public sealed class TarOracleTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("lamina-tar-");

    public void Dispose() => _folder.Delete(true);

    [Theory]
    [InlineData("v7")]
    [InlineData("oldgnu")]
    [InlineData("gnu")]
    [InlineData("ustar")]
    [InlineData("pax")]
    [InlineData("gnu", "-S")]
    [InlineData("oldgnu", "-S")]
    [InlineData("pax", "-S", "--sparse-version=0.0")]
    [InlineData("pax", "-S", "--sparse-version=0.1")]
    [InlineData("pax", "-S", "--sparse-version=1.0")]
    [InlineData("pax", "-S", "--sparse-version=1.0", "--hole-detection=raw")]
    public void What_GNU_tar_packs_is_found_again(string format, params string[] options)
    {
        bool isLong = format is not ("v7" or "ustar");
        string tree = Path.Combine(_folder.FullName, "tree"), archive = Path.Combine(_folder.FullName, "a.tar");
        MakeTree(tree, isLong);
        Pack(["--format=" + format, .. options, "-cf", archive, "-C", tree, "."]);

        using ByteSource source = ByteSource.OpenFile(archive);
        Assert.True(TarLayer.IsTar(source));
        Layer layer = TarLayer.Open(source);
        Assert.True(layer.HasRootMetadata);
        Assert.Empty(layer.Implied);
        SortedDictionary<string, Node> paths = Paths(layer);
        Assert.Equal(Directory.EnumerateFileSystemEntries(tree, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(tree, path))
            .Order(StringComparer.Ordinal), paths.Keys.Where(path => path.Length > 0));
        foreach ((string path, Node node) in paths)
            Compare(Path.Combine(tree, path), node, format == "pax");
        Assert.Same(paths["file-513"], paths["dir/linked"]);
        if (options.Length > 0)
            Assert.All((string[])["sparse", "sparse-tail", "hole"], path =>
                Assert.True(Held(paths[path]) < paths[path].Content.Size / 2));
    }

    private static long Held(Node node)
    {
        long held = 0;
        foreach (PlacedExtent extent in ((PlacedContent)node.Content).Extents)
            held += extent.Length;
        return held;
    }

    private static void Compare(string path, Node node, bool isExact)
    {
        FileInfo info = new(path);
        if (info.LinkTarget is { } target)
        {
            Assert.Equal(target, Encoding.UTF8.GetString(node.Target));
            return;
        }
        Assert.Equal((int)info.UnixFileMode, node.Permissions);
        long ticks = info.LastWriteTimeUtc.Ticks - DateTime.UnixEpoch.Ticks;
        long seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out long rest);
        if (rest < 0)
            (seconds, rest) = (seconds - 1, rest + TimeSpan.TicksPerSecond);
        Assert.Equal(seconds, node.Modified.Seconds);
        Assert.Equal(isExact ? rest : 0, node.Modified.Nanoseconds / 100);
        if (!info.Attributes.HasFlag(FileAttributes.Directory))
            Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(Bytes(node)), path);
    }

    private static void MakeTree(string tree, bool isLong)
    {
        Random random = new(7);
        Directory.CreateDirectory(Path.Combine(tree, "dir", "sub"));
        foreach (int size in (int[])[0, 1, 511, 512, 513, 70_000, 600_000])
        {
            byte[] bytes = new byte[size];
            random.NextBytes(bytes);
            File.WriteAllBytes(Path.Combine(tree, $"file-{size}"), bytes);
        }
        MakeSparse(Path.Combine(tree, "sparse"), 3 << 20, [.. Enumerable.Range(0, 40).Select(i => i * 65536L + 4096)]);
        MakeSparse(Path.Combine(tree, "sparse-tail"), 1_000_003, 0, 999_990);
        MakeSparse(Path.Combine(tree, "hole"), 1 << 20);
        File.CreateSymbolicLink(Path.Combine(tree, "dir", "symlink"), "../file-1");
        Run("ln", Path.Combine(tree, "file-513"), Path.Combine(tree, "dir", "linked"));
        File.SetUnixFileMode(Path.Combine(tree, "file-1"), (UnixFileMode)0xDE9);
        if (isLong)
        {
            string deep = Path.Combine([tree, "dir", .. Enumerable.Repeat("a-long-component-of-a-path", 12)]);
            Directory.CreateDirectory(deep);
            File.WriteAllText(Path.Combine(deep, new string('n', 250)), "deep");
            File.CreateSymbolicLink(Path.Combine(deep, "link"), new string('t', 1000));
            File.SetLastWriteTimeUtc(Path.Combine(tree, "file-511"), new DateTime(1960, 2, 3, 4, 5, 6, DateTimeKind.Utc)
                .AddTicks(1234567));
        }
    }

    private static void MakeSparse(string path, long size, params long[] places)
    {
        using FileStream stream = new(path, FileMode.Create);
        stream.SetLength(size);
        foreach (long place in places)
        {
            stream.Position = place;
            stream.Write(Encoding.ASCII.GetBytes($"here {place}"));
        }
        stream.SetLength(size);
    }

    private static void Pack(string[] arguments)
    {
        try
        {
            Run("tar", "--version");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("tar is not here");
        }
        Run("tar", arguments);
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        string fault = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {fault}");
    }
}
