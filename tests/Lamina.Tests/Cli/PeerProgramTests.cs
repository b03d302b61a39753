using System.Diagnostics;
using System.Text;
using Lamina.Cli;
using Lamina.Cli.Peers;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Cli;

/// <summary>The programs of erofs-utils that this one answers for.</summary>
public class PeerProgramTests
{
    private const string Uuid = "11111111-2222-3333-4444-555555555555";

    private static string NewTar()
    {
        string path = Scratch.NewPath("source.tar");
        File.WriteAllBytes(path, new TarBuilder().Directory("d/", modified: 1000).File("d/one", new string('x', 9000))
            .File("d/two", "short").Link("d/three", "d/two").Symlink("l", "d/one").File("d/.wh.gone").ToArray());
        return path;
    }

    private static string Make(params string[] options)
    {
        string image = Scratch.NewPath("peer.erofs");
        CliRun run = CliRun.Of(["mkfs", "--tar=f", .. options, image, NewTar()]);
        Assert.True(run.Code == 0, run.Error);
        CliRun.Of("check", image).MustSucceed();
        return image;
    }

    [Theory]
    [InlineData("mkfs.erofs")]
    [InlineData("fsck.erofs")]
    [InlineData("dump.erofs")]
    public void A_link_makes_the_program_another(string name)
    {
        string program = Path.Combine(AppContext.BaseDirectory.Replace("Lamina.Tests", "Lamina.Cli"), "Lamina.Cli");
        Assert.SkipUnless(File.Exists(program), $"{program} is not built");
        string link = Path.Combine(Scratch.NewFolder("links"), name);
        File.CreateSymbolicLink(link, program);
        Assert.StartsWith($"{name} (erofs-utils) 1.9.3", Tools.Run(link, "-V").MustSucceed().Output);
        Assert.Equal(1, Tools.Run(link, "--bogus").ExitCode);
    }

    [Fact]
    public void The_name_is_the_first_word_without_folders()
    {
        Assert.Equal("/usr/bin/mkfs.erofs", PeerProgram.NameIn("/usr/bin/mkfs.erofs\0-b4096\0"u8));
        Assert.Equal("fsck.erofs", PeerProgram.NameIn("fsck.erofs"u8));
    }

    [Fact]
    public void What_the_differ_of_containerd_calls_gives_the_tar_with_marks_of_overlayfs()
    {
        string image = Make("--aufs", "--quiet", "-Enoinline_data", "-b4096", "-U", Uuid);
        using ErofsImage opened = ErofsImage.Open(image);
        Assert.Equal(Guid.Parse(Uuid), opened.SuperBlock.Uuid);
        Assert.Equal(4096, opened.BlockSize);
        Assert.True(opened.Root.Get("d/gone").IsWhiteout);
        Assert.Equal(9000, opened.Root.Get("d/one").Size);
    }

    [Fact]
    public void Without_aufs_marks_are_files()
    {
        using ErofsImage opened = ErofsImage.Open(Make("--quiet"));
        Assert.NotNull(opened.Root.Find("d/.wh.gone"));
    }

    [Fact]
    public void Options_change_all_inodes()
    {
        using ErofsImage opened = ErofsImage.Open(Make("-T77", "--force-uid=5", "--gid-offset", "1000", "-L", "name",
            "--exclude-path=d/two", "--exclude-regex=^l$", "-Eforce-inode-extended,nosbcrc", "-b1024"));
        Node one = opened.Root.Get("d/one");
        Assert.Equal((5u, 1000u, new Timestamp(77, 0)), (one.UserId, one.GroupId, one.Modified));
        Assert.True(opened.FindInode("d/one"u8)!.Value.Record.IsExtended);
        Assert.Null(opened.Root.Find("d/two"));
        Assert.Null(opened.Root.Find("l"));
        Assert.NotNull(opened.Root.Find("d/three"));
        Assert.Equal("name"u8.ToArray(), opened.SuperBlock.Label.ToArray());
        Assert.Equal(77, opened.SuperBlock.Epoch);
        Assert.Equal(1024, opened.BlockSize);
        Assert.False(opened.SuperBlock.Has(Format.CompatibleFeatures.SuperBlockChecksum));
    }

    [Fact]
    public void The_time_of_the_image_alone_leaves_those_of_files()
    {
        using ErofsImage opened = ErofsImage.Open(Make("-T77", "--mkfs-time"));
        Assert.Equal(77, opened.SuperBlock.Epoch);
        Assert.Equal(1000, opened.Root.Get("d").Modified.Seconds);
    }

    [Fact]
    public void Further_names_become_files()
    {
        using ErofsImage linked = ErofsImage.Open(Make()), separate = ErofsImage.Open(Make("--hard-dereference"));
        Assert.Equal(2u, linked.FindInode("d/two"u8)!.Value.Record.LinkCount);
        Assert.Equal(1u, separate.FindInode("d/two"u8)!.Value.Record.LinkCount);
    }

    [Fact]
    public void What_is_wrong_ends_with_1()
    {
        string image = Make(), tar = NewTar();
        foreach (string[] words in (string[][])[["mkfs"], ["mkfs", "only"], ["mkfs", "--bogus", "a", "b"],
            ["mkfs", "-zbogus", "a", tar],
            ["mkfs", "-Ebogus", "a", tar], ["mkfs", "-C123", "a", tar], ["mkfs", "a", Path.Combine(tar, "none")], ["fsck"],
            ["fsck", tar], ["fsck", image + ".none"],
            ["dump.erofs", tar], ["dump.erofs", "--path=/none", image], ["dump.erofs", "-e", image]])
        {
            CliRun run = CliRun.Of(words);
            Assert.True(run.Code == 1 && run.Error.Length > 0, string.Join(' ', words));
        }
        Assert.False(File.Exists("a"));
        Assert.Equal(0, CliRun.Of("fsck", image).Code);
        byte[] bytes = File.ReadAllBytes(image);
        bytes[1024 + 16] ^= 1;
        File.WriteAllBytes(image, bytes);
        Assert.Equal(1, CliRun.Of("fsck", image).Code);
    }

    [Theory]
    [InlineData("mkfs.erofs")]
    [InlineData("fsck.erofs")]
    [InlineData("dump.erofs")]
    public void Each_option_of_the_document_is_taken_or_refused_as_it_says(string name)
    {
        using Interrupts interrupts = Interrupts.None();
        PeerProgram program = PeerProgram.Find(name, new Session(TextWriter.Null, TextWriter.Null, interrupts))!;
        string[] rows = [.. Section(name).Where(line => line.StartsWith("| `-", StringComparison.Ordinal))];
        Dictionary<string, bool> told = rows.ToDictionary(row => row.Split('`')[1], row => row.Split('|')[2].Trim() == "not");
        Assert.Equal(program.Options.Select(option => option.Name).Except(["--version", "--help"]).Order(StringComparer.Ordinal),
            told.Keys.Order(StringComparer.Ordinal));
        foreach ((string option, bool isRefused) in told)
            Assert.Equal(isRefused, program.Options.Single(one => one.Name == option).Refusal is not null);
        foreach (PeerOption option in program.Options.Where(one => one.Refusal is not null))
        {
            CliRun run = CliRun.Of(name, option.Value == PeerValue.None ? option.Name
                : option.Name.Length == 2 ? $"{option.Name}1" : $"{option.Name}=1", "a", "b");
            Assert.Equal(1, run.Code);
            Assert.Contains(option.Name, run.Error);
        }
    }

    [Fact]
    public void Each_feature_of_the_document_is_known()
    {
        string[] told = [.. Section("mkfs.erofs").Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('`')[1]).Where(word => word[0] != '-')];
        Assert.Equal(told, MkfsFeatures.Names.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Dump_says_what_the_program_of_erofs_utils_says()
    {
        string peer = Tools.RequireErofs("dump.erofs", new Version(1, 9));
        string image = Corpus.PathOf("zstd.erofs");
        foreach (string[] options in (string[][])[["-s"], ["-S"], ["--path=/", "--ls"], ["--path=/text/65536", "-e"]])
        {
            ToolResult wanted = Tools.Run(peer, [.. options, image]).MustSucceed();
            Assert.Equal(wanted.Output, CliRun.Of(["dump.erofs", .. options, image]).Output);
        }
    }

    [Fact]
    public void Dump_names_the_fields_that_scripts_look_for()
    {
        string[] lines = CliRun.Of("dump.erofs", Make("-U", Uuid, "-T0")).MustSucceed().Output.Split('\n');
        Assert.Contains("Filesystem magic number:                      0xE0F5E1E2", lines);
        Assert.Contains("Filesystem blocksize:                         4096", lines);
        Assert.Contains($"Filesystem UUID:                              {Uuid}", lines);
    }

    private static IEnumerable<string> Section(string name) => File.ReadAllLines(Repository("docs/erofs-utils.md"))
        .SkipWhile(line => line != $"## {name}").Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal));

    private static string Repository(string path)
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Lamina.slnx")))
            folder = Path.GetDirectoryName(folder)!;
        return Path.Combine(folder, path);
    }
}
