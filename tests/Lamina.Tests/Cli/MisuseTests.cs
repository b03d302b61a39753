using System.CommandLine;
using System.Net.Sockets;
using Lamina.Cli;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

/// <summary>Command lines that are wrong: each is refused in our words, with what was probably meant, and nothing is
/// done.</summary>
public class MisuseTests
{
    [Theory]
    [InlineData("extract base.erofs --no-onwer", "there is no option --no-onwer; did you mean --no-owner?")]
    [InlineData("ls base.erofs --jsn", "there is no option --jsn; did you mean --json?")]
    [InlineData("ls -y base.erofs", "there is no option -y")]
    [InlineData("merge base.erofs -o new.erofs --mode flatt", "is expected; did you mean flat?")]
    [InlineData("build base.erofs -o new.erofs -z zsdt", "zsdt: no such codec; there are none, lz4, lz4hc, deflate, lzma, " +
        "zstd; did you mean zstd?")]
    [InlineData("build base.erofs -o new.erofs --fragments tail", "--fragments tail: one of all, tails, none is expected; " +
        "did you mean tails?")]
    [InlineData("diff base.erofs base.erofs --ignore times", "did you mean time?")]
    [InlineData("completion fich", "SHELL fich: one of bash, zsh, fish is expected; did you mean fish?")]
    [InlineData("ls base.erofs --quite", "there is no option --quite; did you mean --quiet?")]
    [InlineData("ls base.erofs --progress=no", "--progress no: one of auto, never, json is expected")]
    [InlineData("ls base.erofs -j 0", "--threads 0: a number from 1 to 4096 is needed")]
    [InlineData("list base.erofs", "there is no verb list; did you mean ls?")]
    [InlineData("unmount base.erofs", "there is no verb unmount; did you mean umount?")]
    [InlineData("verify base.erofs", "there is no verb verify; did you mean check?")]
    [InlineData("merge base.erofs --outptu new.erofs", "there is no option --outptu; did you mean --output?")]
    [InlineData("merge base.erofs -o new.erofs --keep-white", "there is no option --keep-white; did you mean --keep-whiteouts?")]
    [InlineData("check base.erofs --against --no-verfy", "there is no option --no-verfy; did you mean --no-verify?")]
    [InlineData("verity format base.erofs --verity-salt 00", "there is no option --verity-salt; did you mean --salt?")]
    [InlineData("merge base.erofs -o new.erofs --verity --salt 00", "there is no option --salt; did you mean --verity-salt?")]
    [InlineData("merg base.erofs", "there is no verb merg; did you mean merge?")]
    [InlineData("verity fromat base.erofs", "there is no verb fromat; did you mean format?")]
    [InlineData("xyzzy", "there is no verb xyzzy")]
    [InlineData("verity", "a verb is missing: format, ")]
    [InlineData("cat base.erofs", "PATH is missing")]
    [InlineData("merge base.erofs", "-o OUT is missing")]
    [InlineData("merge base.erofs -o", "--output needs a value: OUT")]
    [InlineData("merge base.erofs -o new.erofs -o other.erofs", "--output is there more than once")]
    [InlineData("merge base.erofs -o new.erofs --block-size many", "--block-size many: a whole number is expected")]
    [InlineData("merge base.erofs -o new.erofs --block-size=-5", "a block size of -5 bytes; 512, 1024, 2048 and 4096")]
    [InlineData("merge base.erofs -o new.erofs --mode flatt", "--mode flatt: one of flat, index, full is expected")]
    [InlineData("merge base.erofs -o new.erofs --kernel old", "--kernel old: a version from 6.1 on is needed")]
    [InlineData("merge base.erofs -o new.erofs --verity-salt 00", "--verity-salt has no effect without --verity")]
    [InlineData("mount base.erofs new --hash-file x", "--hash-file has no effect without --root-hash")]
    [InlineData("check base.erofs --hash-file x", "--hash-file has no effect without --root-hash")]
    [InlineData("initrd -o new.img --layer base.erofs --module x", "--module has no effect without --kernel-modules")]
    [InlineData("verity format base.erofs --password-file x", "--password-file has no effect without --key")]
    [InlineData("verity format base.erofs --arch arm64", "--arch is for disk images")]
    [InlineData("ls base.erofs / /etc", "/etc is one word too many")]
    public void A_mistake_is_told_and_nothing_is_done(string arguments, string expected)
    {
        string folder = CliRun.NewFolderWithLayers();
        string[] before = Directory.GetFileSystemEntries(folder);
        string[] words = [.. arguments.Split(' ').Select(word => word.EndsWith(".erofs", StringComparison.Ordinal)
            || word is "new.img" ? Path.Combine(folder, word) : word)];
        CliRun run = CliRun.Of(words);
        Assert.Equal(2, run.Code);
        Assert.StartsWith("lamina: ", run.Error);
        Assert.Contains(expected, run.Error);
        Assert.DoesNotContain("System.", run.Error);
        Assert.Equal("", run.Output);
        Assert.Equal(before, Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void Behind_two_dashes_everything_is_a_name()
    {
        string folder = CliRun.NewFolderWithLayers();
        string program = Path.Combine(AppContext.BaseDirectory, "Lamina.Cli.dll");
        Tools.RunIn(folder, Tools.Require("dotnet"), program, "merge", "-o", "out.erofs", "--", "base.erofs").MustSucceed();
        File.Copy(Path.Combine(folder, "base.erofs"), Path.Combine(folder, "--json"));
        Assert.Contains("etc", Tools.RunIn(folder, Tools.Require("dotnet"), program, "ls", "--", "--json").MustSucceed().Output);
    }

    /// <summary>What has no positions is kept in a file without a name; an index could not refer to that.</summary>
    [Fact]
    public void A_pipe_is_a_layer_like_any_but_for_an_index()
    {
        string folder = CliRun.NewFolderWithLayers(), dotnet = Tools.Require("dotnet");
        string lamina = $"'{dotnet}' '{Path.Combine(AppContext.BaseDirectory, "Lamina.Cli.dll")}'";
        string Sh(string script, int code)
        {
            ToolResult run = Tools.RunIn(folder, "bash", "-c", script.Replace("lamina", lamina, StringComparison.Ordinal));
            Assert.True(run.ExitCode == code, $"{script}: {run.ExitCode} {run.Error}");
            return run.Output + run.Error;
        }
        Sh("lamina merge base.erofs config.tar -o file.erofs --no-digest", 0);
        Sh("lamina merge <(cat base.erofs) config.tar -o pipe.erofs --no-digest", 0);
        Sh("lamina diff file.erofs pipe.erofs", 0);
        Sh("cat config.tar | lamina merge base.erofs - -o input.erofs", 0);
        Sh("lamina diff file.erofs input.erofs", 0);
        Assert.Contains("etc", Sh("lamina ls - < config.tar", 0));
        foreach (string verb in (string[])["check --json", "inspect --json", "dump", "manifest", "tree", "verity inspect"])
            Assert.Equal(Sh($"lamina {verb} pipe.erofs || test $? = 1", 0).Replace("pipe.erofs", "/dev/fd/63"),
                Sh($"lamina {verb} <(cat pipe.erofs) || test $? = 1", 0));
        Assert.Contains("Linux", Sh("lamina ls /proc/version 2>&1; cat /proc/version", 0));
        Assert.Contains("comes through a pipe", Sh("lamina merge --mode index <(cat base.erofs) -o index.erofs", 3));
        Assert.Contains("is a character device", Sh("lamina ls /dev/zero", 4));
        Assert.Contains("is a directory", Sh("lamina check .", 4));
        Assert.Equal(["app.erofs", "base.erofs", "config.tar", "file.erofs", "input.erofs", "pipe.erofs"],
            Directory.GetFileSystemEntries(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_device_may_have_the_separator_in_its_name()
    {
        string folder = CliRun.NewFolderWithLayers(), odd = Path.Combine(folder, "b@s.erofs");
        File.Move(Path.Combine(folder, "base.erofs"), odd);
        string index = Path.Combine(folder, "index.erofs");
        CliRun made = CliRun.Of("merge", "--mode", "index", odd, Path.Combine(folder, "app.erofs"), "-o", index).MustSucceed();
        Assert.Contains("b@@s.erofs@", made.Output);
        CliRun.Of("check", $"{index}@{odd.Replace("@", "@@")}@{Path.Combine(folder, "app.erofs")}").MustSucceed();
    }

    /// <summary>Every option of every verb, and every argument, with values that nobody meant.</summary>
    [Fact]
    public void No_value_is_a_fault_of_the_program()
    {
        string folder = CliRun.NewFolderWithLayers(), layer = Path.Combine(folder, "base.erofs");
        string empty = Path.Combine(folder, "empty"), text = Path.Combine(folder, "text");
        File.WriteAllText(empty, "");
        File.WriteAllText(text, "hello\n");
        string socket = Path.Combine(folder, "socket");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(socket));
        // A FIFO that nobody writes to is waited for, as by any program, so it is none of the values.
        string[] odd = ["", "-1", "0", "99999999999999999999", "abc", "\u001b[31m\u202e", "a\nb", new string('x', 5000), folder,
            "/dev/null", socket, empty, text, layer, $"{layer}@{layer}", "@", "/", "..", Path.Combine(folder, "no", "such")];
        List<string> faults = [];
        foreach (Command verb in Leaves(Program.Root(new Session(TextWriter.Null, TextWriter.Null, Interrupts.None()))))
        {
            string[] path = CommandText.PathOf(verb).Split(' ')[1..];
            if (path[0] is "demo" or "umount" or "mount")
                continue;           // they need nothing of this, and would mount
            string[] plain = [.. verb.Arguments.Where(argument => argument.Arity.MinimumNumberOfValues > 0)
                .Select(argument => argument.Name is "DIR" ? Path.Combine(folder, "target") : layer)];
            foreach (string value in odd)
            {
                for (int i = 0; i < plain.Length; i++)
                {
                    if (Meant(verb.Arguments[i].Name, value) is { } word)
                        Try([.. path, .. plain[..i], word, .. plain[(i + 1)..], .. Outputs(verb, folder)]);
                }
                foreach (Option option in verb.Options.Where(option => option.ValueType != typeof(bool)))
                {
                    if (Meant(option.Name, value) is { } word)
                        Try([.. path, .. plain, .. Outputs(verb, folder, option), $"{option.Name}={word}"]);
                }
            }
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults));

        // What is written stays in the folder.
        string? Meant(string name, string value)
        {
            if (name is not ("DIR" or "--output" or "--hash-file" or "--signature" or "--vmdk"))
                return value;
            return value is "/" or ".." ? null : Path.IsPathRooted(value) ? value : Path.Combine(folder, value);
        }

        void Try(string[] words)
        {
            CliRun run = CliRun.Of(words);
            string shown = string.Join(' ', words.Select(word => word.Length > 100 ? word[..100] : word));
            if (run.Code is < 0 or > 4 || run.Error.Contains("fault of the program", StringComparison.Ordinal)
                || run.Error.Contains("System.", StringComparison.Ordinal))
                faults.Add($"{shown}: {run.Code} {run.Error}");
            if (run.Error.AsSpan().IndexOfAny('\u001b', '\u202e') >= 0)
                faults.Add($"{shown}: raw signs in {run.Error}");
        }
    }

    private static string[] Outputs(Command verb, string folder, Option? except = null)
    {
        List<string> words = [];
        foreach (Option option in verb.Options.Where(option => option.Required && option != except))
        {
            words.Add($"{option.Name}={option.Name switch
            {
                "--root-hash" => new string('0', 64),
                "--output" => Path.Combine(folder, "out"),
                _ => Path.Combine(folder, "base.erofs"),
            }}");
        }
        return [.. words];
    }

    private static IEnumerable<Command> Leaves(Command command) =>
        command.Subcommands.Count == 0 ? [command] : command.Subcommands.SelectMany(Leaves);
}
