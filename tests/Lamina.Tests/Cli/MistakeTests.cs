using System.Text;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

/// <summary>
/// What people do wrong, and what they are told: the whole message and the exit code, with names as they typed them. Where the
/// next line is a command it is run as it stands, and must work. The rows are in Mistakes.txt: a command, its exit code, what it
/// says; with LAMINA_UPDATE_GOLDEN=1 in the environment they are written anew.
/// </summary>
public class MistakeTests
{
    private static readonly string s_rows = Path.Combine(TidyTests.FindRoot(), "tests/Lamina.Tests/Cli/Mistakes.txt");

    [Fact]
    public void Each_mistake_has_its_message_and_its_exit_code()
    {
        string[] blocks = File.ReadAllText(s_rows).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.True(blocks.Length >= 20, "the rows were not found");
        StringBuilder found = new();
        foreach (string block in blocks)
        {
            string command = block.Split('\n')[0][2..];
            ToolResult run = Run(NewFolder(), command);
            found.Append($"$ {command}\n[{run.ExitCode}]\n{run.Output}{run.Error}\n");
        }
        if (Environment.GetEnvironmentVariable("LAMINA_UPDATE_GOLDEN") == "1")
            File.WriteAllText(s_rows, found.ToString());
        else
            Assert.Equal(File.ReadAllText(s_rows), found.ToString());
    }

    /// <summary>The commands that advice names, and the file that each leaves.</summary>
    [Theory]
    [InlineData("lamina check base.erofs.gz", "gzip -dc base.erofs.gz > base.erofs", "base.erofs")]
    [InlineData("lamina inspect config.tar", "lamina build config.tar -o IMAGE", "IMAGE")]
    [InlineData("lamina verity inspect base.erofs", "lamina verity format base.erofs", "base.erofs")]
    [InlineData("lamina ls squash.img", "unsquashfs -d DIR squash.img && lamina build DIR -o OUT", "OUT")]
    [InlineData("lamina mount index.erofs@app.erofs@base.erofs folder",
        "lamina mount index.erofs@base.erofs@app.erofs DIR", null)]
    public void Advice_that_is_a_command_works_as_it_stands(string mistake, string advice, string? made)
    {
        string folder = NewFolder();
        if (advice.StartsWith("unsquashfs", StringComparison.Ordinal))
        {
            Tools.Require("unsquashfs");
            File.Delete(Path.Combine(folder, "squash.img"));
            Tools.RunIn(folder, Tools.Require("mksquashfs"), "folder", "squash.img", "-quiet").MustSucceed();
        }
        ToolResult run = Run(folder, mistake);
        Assert.NotEqual(0, run.ExitCode);
        Assert.EndsWith($": {advice}\n", run.Error);
        if (made is null)
            return;                     // to mount takes more than the tests may
        if (made != "base.erofs")
            Assert.False(File.Exists(Path.Combine(folder, made)));
        Run(folder, advice).MustSucceed();
        Run(folder, $"lamina check {made}").MustSucceed();
    }

    private static string NewFolder()
    {
        string folder = CliRun.NewFolderWithLayers();
        byte[] tar = File.ReadAllBytes(Path.Combine(folder, "config.tar"));
        File.WriteAllBytes(Path.Combine(folder, "cut.tar"), tar[..2000]);
        File.WriteAllBytes(Path.Combine(folder, "cut.erofs"), File.ReadAllBytes(Path.Combine(folder, "base.erofs"))[..5000]);
        File.WriteAllBytes(Path.Combine(folder, "squash.img"), [.. "hsqs"u8, .. new byte[96]]);
        File.WriteAllBytes(Path.Combine(folder, "notes.txt"), [.. Encoding.ASCII.GetBytes(new string('x', 3000))]);
        Directory.CreateDirectory(Path.Combine(folder, "folder"));
        File.WriteAllText(Path.Combine(folder, "folder", "file"), "data\n");
        Tools.RunIn(folder, Tools.Require("gzip"), "-k", "base.erofs").MustSucceed();
        Run(folder, "lamina merge --mode index base.erofs app.erofs -o index.erofs").MustSucceed();
        return folder;
    }

    /// <summary>Runs a command as a shell does, with the program under its name.</summary>
    private static ToolResult Run(string folder, string command)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Lamina.Cli.dll");
        string script = $"lamina() {{ '{Tools.Require("dotnet")}' '{program}' \"$@\"; }}; {command}";
        return Tools.RunIn(folder, Tools.Require("sh"), "-c", script);
    }
}
