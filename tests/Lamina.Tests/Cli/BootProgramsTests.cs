using Lamina.Cli;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

/// <summary>Where /init is looked for: packages, tools and checkouts have it in different places.</summary>
public class BootProgramsTests
{
    private static readonly string[] s_places = ["lamina-init", "../lib/lamina/lamina-init"];

    [Fact]
    public void The_one_named_is_taken_as_it_is() => Assert.Equal("mine", BootPrograms.FindInit("mine"));

    [Theory]
    [InlineData("bin/lamina-init", "bin/lamina-init")]
    [InlineData("lib/lamina/lamina-init", "lib/lamina/lamina-init")]
    [InlineData("bin/lamina-init", "lib/lamina/lamina-init bin/lamina-init")]
    [InlineData("artifacts/publish/Lamina.Init/release_linux-ARCH/lamina-init",
        "Lamina.slnx artifacts/publish/Lamina.Init/release_linux-ARCH/lamina-init")]
    public void It_is_found_where_packages_and_checkouts_have_it(string expected, string files)
    {
        string root = NewRoot([.. files.Split(' ').Select(Here)]);
        Assert.Equal(Path.Combine(root, Here(expected)), BootPrograms.FindInit(Path.Combine(root, "bin"), s_places));
    }

    [Fact]
    public void Where_it_is_not_the_places_are_named()
    {
        UsageException nowhere = Assert.Throws<UsageException>(() =>
            BootPrograms.FindInit(Path.Combine(NewRoot("other"), "bin"), s_places));
        Assert.Equal("there is no lamina-init beside this program, in ../lib/lamina, or in /usr/lib/lamina", nowhere.Message);
        UsageException unpublished = Assert.Throws<UsageException>(() =>
            BootPrograms.FindInit(Path.Combine(NewRoot("Lamina.slnx"), "bin"), s_places));
        Assert.Contains("dotnet publish src/Lamina.Init", unpublished.Advice);
    }

    private static string Here(string path) =>
        path.Replace("ARCH", System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant());

    private static string NewRoot(params string[] files)
    {
        string root = Scratch.NewFolder("installed");
        Directory.CreateDirectory(Path.Combine(root, "bin"));
        foreach (string file in files)
        {
            string path = Path.Combine(root, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "");
        }
        return root;
    }
}
