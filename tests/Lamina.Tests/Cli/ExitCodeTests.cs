using Lamina.Cli;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

public class ExitCodeTests
{
    private static readonly string s_folder = CliRun.NewFolderWithLayers();

    private static string Layer => Path.Combine(s_folder, "base.erofs");

    [Fact]
    public void Done_is_0() => CliRun.Of("ls", Layer).MustSucceed();

    [Fact]
    public void A_file_that_is_not_in_the_image_is_1()
    {
        CliRun run = CliRun.Of("ls", Layer, "/no/such");
        Assert.Equal((1, $"lamina: {Layer}: there is no /no\n"), (run.Code, run.Error));
    }

    [Theory]
    [InlineData("mrege")]
    [InlineData("merge", "x.erofs")]
    [InlineData("merge", "-o", "out")]
    [InlineData("merge", "x.erofs", "-o", "out", "--mode", "best")]
    [InlineData("merge", "x.erofs", "-o", "out", "--kernel", "5.10")]
    [InlineData("merge", "x.erofs", "-o", "out", "--block-size", "big")]
    [InlineData("merge", "x.erofs", "-o", "out", "--mode", "index", "--vmdk", "out.vmdk")]
    [InlineData("ls", "x.erofs", "/", "--no-such-option")]
    public void Wrong_usage_is_2_and_says_where_to_read(params string[] arguments)
    {
        CliRun run = CliRun.Of(arguments);
        Assert.Equal(2, run.Code);
        Assert.Equal("", run.Output);
        Assert.StartsWith("lamina: ", run.Error);
        Assert.Equal(2, run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void Nothing_at_all_is_2_and_shows_the_help()
    {
        CliRun run = CliRun.Of();
        Assert.Equal(2, run.Code);
        Assert.StartsWith("Usage: lamina VERB", run.Error);
    }

    [Fact]
    public void A_value_that_the_library_refuses_is_2()
    {
        CliRun run = CliRun.Of("merge", Layer, "-o", Scratch.NewPath("out"), "--block-size", "700");
        Assert.Equal(2, run.Code);
        Assert.Contains("700", run.Error);
    }

    [Fact]
    public void A_corrupt_image_is_3()
    {
        byte[] bytes = File.ReadAllBytes(Layer);
        bytes[1024 + 16] ^= 1;
        string path = Scratch.NewPath("corrupt.erofs");
        File.WriteAllBytes(path, bytes);
        CliRun run = CliRun.Of("ls", path);
        Assert.Equal(3, run.Code);
        Assert.StartsWith($"lamina: {path}: superblock checksum", run.Error);
    }

    [Fact]
    public void An_unsupported_file_is_3_and_the_next_line_says_what_to_do()
    {
        string path = Scratch.NewPath("layer.tar.Z");
        File.WriteAllBytes(path, [0x1F, 0x9D, 8, 0, 0, 0, 0, 0]);
        CliRun run = CliRun.Of("merge", path, "-o", Scratch.NewPath("out"));
        Assert.Equal(3, run.Code);
        Assert.Equal($"lamina: {path}: is compressed with compress, not an EROFS image or a tar\n" +
            $"Decompress it first: uncompress -c {path} > layer.tar\n", run.Error);
    }

    [Fact]
    public void A_missing_file_is_4()
    {
        string path = Scratch.NewPath("missing.erofs");
        CliRun run = CliRun.Of("ls", path);
        Assert.Equal((4, $"lamina: {path}: there is no such file\n"), (run.Code, run.Error));
    }

    [Fact]
    public void A_missing_output_folder_is_4()
    {
        string folder = Path.Combine(Scratch.NewFolder("out"), "no");
        CliRun run = CliRun.Of("merge", Layer, "-o", Path.Combine(folder, "out.erofs"));
        Assert.Equal((4, $"lamina: {folder}/out.erofs: there is no directory {folder}\n"), (run.Code, run.Error));
    }

    [Fact]
    public void A_fault_of_the_program_is_4_without_a_stack_trace()
    {
        using StringWriter output = new(), error = new() { NewLine = "\n" };
        using Interrupts interrupts = Interrupts.None();
        int code = Failures.Report(new InvalidOperationException("oops"), new Session(output, error, interrupts));
        Assert.Equal(4, code);
        Assert.StartsWith("lamina: a fault of the program: InvalidOperationException: oops\nPlease report it", error.ToString());
        Assert.DoesNotContain("   at ", error.ToString());
    }
}
