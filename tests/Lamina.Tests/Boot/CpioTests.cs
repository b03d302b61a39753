using System.Text;
using Lamina.Archives;
using Lamina.Boot;
using Lamina.Platform;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Boot;

/// <summary>newc archives as the kernel reads them, and as cpio(1) does.</summary>
public class CpioTests
{
    [Fact]
    public void The_entries_of_a_real_archive_are_those_that_cpio_lists()
    {
        string archive = Corpus.PathOf("main.cpio");
        string[] expected = Tools.Run("sh", "-c", $"cpio -t --quiet < '{archive}'").MustSucceed().Output.Split('\n',
            StringSplitOptions.RemoveEmptyEntries);
        Tools.Require("cpio");
        using ByteSource source = ByteSource.OpenFile(archive);
        string[] found = [.. new CpioReader(source).ReadAll().Select(entry => entry.Name)];
        // cpio shows names as they are, bytes that are no text included; the counts and the plain ones must agree.
        Assert.Equal(expected.Length, found.Length);
        Assert.Equal(expected.Where(IsPlain), found.Where(IsPlain));
    }

    [Fact]
    public void Archives_follow_each_other_with_zeros_between_and_bodies_lie_at_pages()
    {
        byte[] body = [.. Enumerable.Range(0, 5000).Select(i => (byte)i)];
        string first = Write(archive =>
        {
            archive.AddDirectory("folder");
            archive.AddPages("folder/file", ByteSource.FromMemory("body", body), asFifo: false);
        });
        string second = Write(archive => archive.AddPages("folder/hidden", ByteSource.FromMemory("body", body), asFifo: true));
        byte[] both = [.. File.ReadAllBytes(first), .. new byte[4096 + 8], .. File.ReadAllBytes(second)];
        ByteSource source = ByteSource.FromMemory("both", both);
        CpioReader reader = new(source);
        CpioEntry[] entries = [.. reader.ReadAll()];
        Assert.Equal(["folder", "folder/file", "folder/hidden"], entries.Select(entry => entry.Name));
        Assert.Equal(-1, reader.Remainder);
        Assert.True(entries[1].IsRegularFile && entries[2].IsFifo);
        Assert.Equal(0, entries[1].BodyOffset % 4096);
        Assert.Equal(8, entries[2].BodyOffset % 4096);
        foreach (CpioEntry entry in entries[1..])
            Assert.Equal(body, both[(int)entry.BodyOffset..(int)(entry.BodyOffset + entry.BodySize)]);
    }

    [Fact]
    public void Every_place_in_a_page_and_every_length_of_name_is_padded_to_a_page()
    {
        for (int length = 1; length < 600; length += 7)
        {
            string path = Write(archive =>
            {
                for (int i = 0; i < 40; i++)
                {
                    archive.AddFile($"f{i}", new byte[length]);
                    archive.AddPages($"d/{new string('n', length % 250 + 1)}{i}", ByteSource.FromMemory("x", new byte[1]),
                        asFifo: true);
                }
            });
            using ByteSource source = ByteSource.OpenFile(path);
            CpioEntry[] pages = [.. new CpioReader(source).ReadAll().Where(entry => entry.IsFifo)];
            Assert.Equal(40, pages.Length);
            Assert.All(pages, entry => Assert.Equal(0, entry.BodyOffset % 4096));
        }
    }

    [Fact]
    public void Cpio_unpacks_what_is_written()
    {
        string cpio = Tools.Require("cpio");
        string path = Write(archive =>
        {
            archive.AddDirectory("a");
            archive.AddFile("a/run", "text"u8, isExecutable: true);
            archive.AddPages("a/page", ByteSource.FromMemory("x", Encoding.ASCII.GetBytes(new string('y', 9000))), asFifo: false);
        });
        string folder = Scratch.NewFolder("unpacked");
        Tools.RunIn(folder, "sh", "-c", $"'{cpio}' -i --quiet < '{path}'").MustSucceed();
        Assert.Equal("text", File.ReadAllText(Path.Combine(folder, "a", "run")));
        Assert.True(File.GetUnixFileMode(Path.Combine(folder, "a", "run")).HasFlag(UnixFileMode.UserExecute));
        Assert.Equal(new string('y', 9000), File.ReadAllText(Path.Combine(folder, "a", "page")));
    }

    [Fact]
    public void The_same_files_give_the_same_archive()
    {
        InitrdLayer[] layers = [new(Corpus.Layer("base", "plain")), new(Corpus.Layer("app", "lzma"))];
        string[] paths = [Scratch.NewPath("a"), Scratch.NewPath("b")];
        foreach (string path in paths)
            InitrdBuilder.Build(layers, path, new InitrdOptions { Form = InitrdForm.InPlace });
        Assert.Equal(File.ReadAllBytes(paths[0]), File.ReadAllBytes(paths[1]));
    }

    [Fact]
    public void Every_cut_of_an_archive_is_an_error_that_says_so()
    {
        byte[] whole = File.ReadAllBytes(Write(archive => archive.AddFile("a/run", "text"u8)));
        int end = whole.AsSpan().LastIndexOfAnyExcept((byte)0);
        for (int length = 1; length < end; length++)
        {
            ByteSource source = ByteSource.FromMemory("cut.img", whole.AsMemory(0, length));
            CorruptImageException failure = Assert.Throws<CorruptImageException>(() => new CpioReader(source).ReadAll().Count());
            Assert.Contains("cut.img", failure.Message);
        }
    }

    [Theory]
    [InlineData(0, "x70701", "no header")]
    [InlineData(54, "fffffff0", "cut off")]
    [InlineData(94, "00001001", "a name of 4097 bytes")]
    [InlineData(94, "00000000", "a name of 0 bytes")]
    [InlineData(94, "0000000g", "no header")]
    public void Headers_that_lie_are_errors(int at, string digits, string expected)
    {
        byte[] bytes = File.ReadAllBytes(Write(archive =>
        {
            archive.AddFile("first", "text"u8);
            archive.AddFile("second", "text"u8);
        }));
        int second = bytes.AsSpan(6).IndexOf("070701"u8) + 6;
        Encoding.ASCII.GetBytes(digits, bytes.AsSpan(second + at));
        CorruptImageException failure = Assert.Throws<CorruptImageException>(
            () => new CpioReader(ByteSource.FromMemory("bad.img", bytes)).ReadAll().Count());
        Assert.Contains(expected, failure.Message);
    }

    [Fact]
    public void A_compressed_archive_behind_plain_ones_is_where_reading_ends()
    {
        byte[] plain = File.ReadAllBytes(Write(archive => archive.AddFile("a", "text"u8)));
        CpioReader reader = new(ByteSource.FromMemory("mixed", (byte[])[.. plain, 0, 0, 0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3]));
        Assert.Single(reader.ReadAll());
        Assert.Equal(plain.Length + 2, reader.Remainder);
    }

    private static bool IsPlain(string name) => name.All(c => c is > ' ' and < '\x7f' and not '\\');

    private static string Write(Action<CpioWriter> fill)
    {
        string path = Scratch.NewPath("archive");
        using OutputFile output = new(path, false);
        CpioWriter archive = new(output, 0);
        fill(archive);
        archive.Finish();
        output.Commit();
        return path;
    }
}
