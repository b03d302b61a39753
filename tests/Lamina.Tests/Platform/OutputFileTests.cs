using System.Text;
using Lamina.Platform;
using Lamina.Tests.Oracles;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Tests.Platform;

/// <summary>An output appears whole or not at all, whatever its name leads to.</summary>
public class OutputFileTests
{
    private static readonly byte[] s_text = "the result"u8.ToArray();

    [Fact]
    public void Until_it_is_committed_there_is_nothing_to_see()
    {
        string folder = Scratch.NewFolder("output"), path = Path.Combine(folder, "out");
        using (OutputFile output = new(path, overwrites: false))
        {
            output.Write(s_text, 0);
            Assert.Empty(Directory.GetFileSystemEntries(folder));
        }
        Assert.Empty(Directory.GetFileSystemEntries(folder));
        Write(path, overwrites: false);
        Assert.Equal([path], Directory.GetFileSystemEntries(folder));
        Assert.Equal(s_text, File.ReadAllBytes(path));
    }

    [Fact]
    public void A_file_that_came_meanwhile_is_not_replaced_unless_that_was_asked_for()
    {
        string path = Scratch.NewPath("out");
        using (OutputFile output = new(path, overwrites: false))
        {
            output.Write(s_text, 0);
            File.WriteAllText(path, "precious");
            Assert.Contains("exists already", Assert.Throws<IOException>(output.Commit).Message);
        }
        Assert.Equal("precious", File.ReadAllText(path));
        Assert.Throws<IOException>(() => new OutputFile(path, overwrites: false));
        Write(path, overwrites: true);
        Assert.Equal([path], Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!));
        Assert.Equal(s_text, File.ReadAllBytes(path));
    }

    /// <summary>The second finds a file that came meanwhile; the first was in place already.</summary>
    [Fact]
    public void Outputs_that_belong_together_appear_together_or_not_at_all()
    {
        string folder = Scratch.NewFolder("output"), deep = Path.Combine(folder, "deep");
        string[] paths = [.. ((string[])["first", "second"]).Select(name => Path.Combine(deep, name))];
        foreach (bool fails in (bool[])[true, false])
        {
            using OutputSet outputs = new();
            outputs.MakeFolder(deep);
            foreach (string path in paths)
                outputs.Add(path, () => new OutputFile(path, overwrites: false)).Write(s_text, 0);
            if (!fails)
            {
                Assert.Equal(paths, outputs.Commit());
                continue;
            }
            File.WriteAllText(paths[1], "precious");
            Assert.Throws<IOException>(outputs.Commit);
            outputs.Dispose();
            Assert.Equal([paths[1]], Directory.GetFileSystemEntries(deep));
            File.Delete(paths[1]);
            Directory.Delete(deep);
        }
        Assert.Equal(s_text, File.ReadAllBytes(paths[0]));
        Assert.Equal(s_text, File.ReadAllBytes(paths[1]));
    }

    [Fact]
    public void Where_no_file_can_be_made_the_name_that_was_given_is_told()
    {
        Assert.SkipUnless(Directory.Exists("/proc/self"), "there is no /proc");
        IOException failure = Assert.ThrowsAny<IOException>(() => new OutputFile("/proc/lamina-output", overwrites: false));
        Assert.StartsWith("/proc/lamina-output: cannot be made: ", failure.Message);
        Assert.DoesNotContain("partial", failure.Message);
    }

    [Theory]
    [InlineData("plain/name.erofs", "plain/name.erofs")]
    [InlineData("-o", "./-o")]
    [InlineData("it's one", @"'it'\''s one'")]
    [InlineData("schön", "'schön'")]
    [InlineData("a\tb'\\", @"$'a\x09b\'\\'")]
    public void A_path_is_quoted_so_that_a_shell_takes_it_as_it_is(string path, string expected)
    {
        Assert.Equal(expected, ShellText.Quote(path));
        Assert.Equal(path == "-o" ? "./-o" : path, Tools.Run("bash", "-c", $"printf %s {expected}").MustSucceed().Output);
    }

    [Fact]
    public void A_link_is_followed_and_stays()
    {
        string folder = Scratch.NewFolder("output"), target = Path.Combine(folder, "deep", "target");
        Directory.CreateDirectory(Path.Combine(folder, "deep", "deeper"));
        Directory.CreateSymbolicLink(Path.Combine(folder, "dir"), "deep/deeper");
        // Through dir/.. the kernel comes to "deep", where the text alone would not.
        File.CreateSymbolicLink(Path.Combine(folder, "link"), "dir/../target");
        Write(Path.Combine(folder, "link"), overwrites: false);
        Assert.Equal(s_text, File.ReadAllBytes(target));
        File.WriteAllText(target, "old");
        Write(Path.Combine(folder, "link"), overwrites: true);
        Assert.Equal(s_text, File.ReadAllBytes(target));
        Assert.Equal("dir/../target", new FileInfo(Path.Combine(folder, "link")).LinkTarget);
        File.CreateSymbolicLink(Path.Combine(folder, "loop"), "loop");
        Assert.Throws<IOException>(() => new OutputFile(Path.Combine(folder, "loop"), overwrites: true));
    }

    [Fact]
    public void What_is_no_file_stays_what_it_is()
    {
        string folder = Scratch.NewFolder("output"), fifo = Path.Combine(folder, "fifo");
        Tools.Run("mkfifo", fifo).MustSucceed();
        Assert.Contains("is a FIFO", Assert.Throws<IOException>(() => new OutputFile(fifo, overwrites: true)).Message);
        Assert.Contains("is a directory", Assert.Throws<IOException>(() => new OutputFile(folder, overwrites: true)).Message);
        Assert.Equal([fifo], Directory.GetFileSystemEntries(folder));
        if (!Environment.IsPrivilegedProcess)
            return;
        string node = Path.Combine(folder, "null");
        Tools.Run("mknod", node, "c", "1", "3").MustSucceed();
        string message = Assert.Throws<IOException>(() => new OutputFile(node, overwrites: true, takesDevices: true)).Message;
        Assert.Contains("is a character device", message);
        Assert.Equal(FileStatus.CharacterDevice, FileStatus.Find(node, followsLinks: false)!.Value.Type);
    }

    [Fact]
    public void An_input_is_no_output_whatever_it_is_called()
    {
        string folder = Scratch.NewFolder("output"), input = Path.Combine(folder, "input");
        File.WriteAllText(input, "precious");
        File.CreateSymbolicLink(Path.Combine(folder, "link"), "input");
        Tools.Run("ln", input, Path.Combine(folder, "hard")).MustSucceed();
        using ByteSource source = ByteSource.OpenFile(input), part = ByteSource.Slice(source, "part", 1, 2);
        foreach (string name in (string[])["input", "link", "hard", "./input"])
        {
            string path = Path.Combine(folder, name);
            Assert.Throws<ArgumentException>(() => new OutputFile(path, overwrites: true, new InputFiles().Add(input)));
            Assert.Throws<ArgumentException>(() => new OutputFile(path, overwrites: true, new InputFiles().Add(part)));
        }
        Assert.Equal("precious", File.ReadAllText(input));
        using OutputFile other = new(Path.Combine(folder, "other"), overwrites: true, new InputFiles().Add(source));
    }

    [Fact]
    public void A_file_that_is_being_changed_is_changed_by_nobody_else_and_not_replaced()
    {
        string path = Scratch.NewPath("image");
        File.WriteAllText(path, "precious");
        using (ChangedFile first = ChangedFile.Open(path))
        {
            Assert.Contains("by somebody else", Assert.Throws<IOException>(() => ChangedFile.Open(path)).Message);
            using OutputFile output = new(path, overwrites: true);
            output.Write(s_text, 0);
            Assert.Contains("by somebody else", Assert.Throws<IOException>(output.Commit).Message);
            using ByteSource reader = ByteSource.OpenFile(path);
            Assert.Equal(8, reader.Length);
        }
        ChangedFile.Open(path).Dispose();
        Write(path, overwrites: true);
    }

    [Fact]
    public void Unfinished_files_of_processes_that_are_gone_are_removed_where_files_need_a_name()
    {
        string path = Scratch.NewPath("out"), left = path + ".4000000.partial", open = path + ".4000001.partial";
        string other = path + ".note.partial", link = path + ".4000002.partial";
        foreach (string file in (string[])[left, open, other])
            File.WriteAllText(file, "unfinished");
        File.CreateSymbolicLink(link, other);
        using (SafeFileHandle inUse = File.OpenHandle(open, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            Assert.True(LeftBehind.TryUse(inUse, open));
            using NamedFile begun = NamedFile.Begin(path, path, overwrites: false);
            RandomAccess.Write(begun.Handle, s_text, 0);
            Assert.Throws<IOException>(() => NamedFile.Begin(path, path, overwrites: false));
            begun.Commit();
        }
        Assert.Equal(new[] { path, open, other, link }.Order(StringComparer.Ordinal),
            Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!).Order(StringComparer.Ordinal));
        Assert.Equal(s_text, File.ReadAllBytes(path));
    }

    [Fact]
    public void What_was_left_at_the_moment_of_replacing_goes_with_the_next_replacing()
    {
        string path = Scratch.NewPath("out"), folder = Path.GetDirectoryName(path)!;
        string left = Path.Combine(folder, ".out.4000000-0.partial"), other = Path.Combine(folder, ".outer.4000000-0.partial");
        foreach (string file in (string[])[path, left, other])
            File.WriteAllText(file, "before");
        Write(path, overwrites: true);
        Assert.Equal(new[] { other, path }.Order(StringComparer.Ordinal),
            Directory.GetFileSystemEntries(folder).Order(StringComparer.Ordinal));
        Assert.Equal(s_text, File.ReadAllBytes(path));
    }

    [Fact]
    public void Holes_of_a_source_stay_holes()
    {
        const int size = 64 << 20;
        string sparse = Scratch.NewPath("sparse"), path = Scratch.NewPath("out");
        using (FileStream stream = File.Create(sparse))
        {
            stream.SetLength(size);
            stream.Position = size / 2;
            stream.Write(s_text);
        }
        using ByteSource source = ByteSource.OpenFile(sparse);
        using (OutputFile output = new(path, overwrites: false))
        {
            output.CopyFrom(source, 0, 4096, size);
            output.SetLength(size + 4096);
            output.Commit();
        }
        using ByteSource written = ByteSource.OpenFile(path);
        byte[] text = new byte[s_text.Length];
        written.ReadExactly(4096 + size / 2, text);
        Assert.Equal(s_text, text);
        string blocks = Tools.Run("stat", "-c", "%b", path).MustSucceed().Output.Trim();
        Assert.InRange(int.Parse(blocks, System.Globalization.CultureInfo.InvariantCulture), 1, 200);
    }

    private static void Write(string path, bool overwrites)
    {
        using OutputFile output = new(path, overwrites);
        output.Write(s_text, 0);
        output.Commit();
    }
}
