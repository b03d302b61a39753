using Lamina.Archives;
using Lamina.Boot;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Boot;

/// <summary>The scripts for other tools: shells and shellcheck take them, and they run in a stand-in of their tools.</summary>
public class ContribTests
{
    private const string Release = "6.12.9-test";

    private static readonly string s_contrib = Path.Combine(TidyTests.FindRoot(), "contrib");

    private readonly string _folder = Scratch.NewFolder("contrib");

    public static TheoryData<string> Scripts => [.. Directory.GetFiles(s_contrib, "*", SearchOption.AllDirectories)
        .Where(file => File.ReadLines(file).FirstOrDefault("").StartsWith("#!"))
        .Select(file => Path.GetRelativePath(s_contrib, file))];

    [Theory]
    [MemberData(nameof(Scripts))]
    public void A_script_is_one(string name)
    {
        string path = Path.Combine(s_contrib, name), shell = File.ReadLines(path).First()["#!".Length..];
        Tools.Run(shell, "-n", path).MustSucceed();
        Assert.True((File.GetUnixFileMode(path) & UnixFileMode.UserExecute) != 0, "it is not executable");
        if (Tools.Find("shellcheck") is { } judge)
            Tools.Run(judge, path).MustSucceed();
    }

    [Fact]
    public void Each_folder_says_where_its_files_go()
    {
        foreach (string folder in Directory.GetDirectories(s_contrib))
        {
            string text = File.ReadAllText(Path.Combine(folder, "README.md"));
            foreach (string file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
                Assert.True(file.EndsWith("README.md") || text.Contains($"`{Path.GetRelativePath(folder, file)}`"), file);
        }
    }

    [Fact]
    public void The_hook_of_update_initramfs_converts_in_place_if_it_is_switched_on()
    {
        string initrd = MakeInitrd(), config = At("config");
        byte[] before = File.ReadAllBytes(initrd);
        string[] words = ["initramfs-tools/lamina", Release, initrd];
        Run(0, [$"LAMINA_CONFIG={config}", $"LAMINA_MODULES_ROOT={_folder}"], words);
        Assert.Equal(before, File.ReadAllBytes(initrd));
        File.WriteAllText(config, "LAMINA_INITRD=yes\nLAMINA_INITRD_OPTIONS=--split=/etc\n");
        Run(0, [$"LAMINA_CONFIG={config}", $"LAMINA_MODULES_ROOT={_folder}"], words);
        Assert.Equal(["100-initrd.erofs", "101-etc.erofs"], Layers(initrd));
        // What is an archive of layers already is refused, and stays.
        byte[] after = File.ReadAllBytes(initrd);
        Assert.Contains("stays as update-initramfs has made it",
            Run(1, [$"LAMINA_CONFIG={config}", $"LAMINA_MODULES_ROOT={_folder}"], words));
        Assert.Equal(after, File.ReadAllBytes(initrd));
        Assert.Empty(Directory.GetFiles(_folder, "*new*"));
    }

    [Fact]
    public void The_compressor_of_dracut_reads_a_tree_and_writes_layers()
    {
        string initrd = MakeInitrd(), output = At("out.img"), pack = Path.Combine(s_contrib, "dracut/90lamina/pack.sh");
        Run(0, [$"LAMINA_MODULES={Modules()}"], "sh", "-c", $"'{pack}' < '{initrd}' > '{output}'");
        Assert.Equal(["100-initrd.erofs"], Layers(output));
        File.WriteAllText(At("text"), "no archive");
        Assert.Contains("the initramfs could not be made",
            Run(1, [$"LAMINA_MODULES={Modules()}"], "sh", "-c", $"'{pack}' < '{At("text")}'"));
    }

    [Fact]
    public void The_plugins_of_kernel_install_put_initramfs_and_image_where_it_looks()
    {
        string staging = Directory.CreateDirectory(At("staging")).FullName, root = Directory.CreateDirectory(At("etc")).FullName;
        string kernel = FakeKernel.Write(At("vmlinuz"), Release);
        string[] variables =
        [
            $"KERNEL_INSTALL_STAGING_AREA={staging}", $"KERNEL_INSTALL_CONF_ROOT={root}", $"LAMINA_MODULES_ROOT={_folder}",
            "KERNEL_INSTALL_LAYOUT=uki", "KERNEL_INSTALL_UKI_GENERATOR=lamina",
        ];
        string[] words = ["add", Release, At("entry"), kernel];
        File.WriteAllText(Path.Combine(root, "lamina-initrd.conf"), $"LAYERS='{BootKit.BaseLayer} {Modules()}/'\n");
        File.WriteAllText(Path.Combine(root, "cmdline"), "# not this\nquiet root=/dev/vda\n");
        Run(0, variables, ["kernel-install/50-lamina-initrd.install", .. words]);
        Assert.Empty(Directory.GetFiles(staging));          // another generator was asked for
        Run(0, [.. variables, "KERNEL_INSTALL_INITRD_GENERATOR=lamina"], ["kernel-install/50-lamina-initrd.install", .. words]);
        Assert.Equal(2, Layers(Path.Combine(staging, "initrd")).Length);
        Assert.SkipUnless(File.Exists("/usr/lib/systemd/boot/efi/linuxx64.efi.stub"), "systemd-stub is not installed");
        Run(0, variables, ["kernel-install/60-lamina-uki.install", .. words]);
        byte[] image = File.ReadAllBytes(Path.Combine(staging, "uki.efi"));
        Assert.True(image.AsSpan().IndexOf("quiet root=/dev/vda"u8) > 0);
        Assert.Equal(-1, image.AsSpan().IndexOf("not this"u8));
        Assert.True(image.AsSpan().IndexOf("lamina/layers/100-base.erofs"u8) > 0);
    }

    [Fact]
    public void The_script_for_mkosi_makes_an_initramfs_of_what_was_built()
    {
        string tree = Directory.CreateDirectory(At("system_1")).FullName;
        File.WriteAllText(Path.Combine(tree, "init"), "#!/bin/sh\n");
        string[] variables = [$"OUTPUTDIR={_folder}", "IMAGE_ID=system", "IMAGE_VERSION=1", $"LAMINA_LAYERS={BootKit.BaseLayer}"];
        Run(0, [.. variables, $"LAMINA_MODULES={Modules()}"], "mkosi/mkosi.postoutput");
        Assert.Equal(["100-system_1.erofs", "101-base.erofs"], Layers(At("system_1.initrd")));
        Assert.Contains("has no other and no other.tar", Run(1, [$"OUTPUTDIR={_folder}", "IMAGE_ID=other"],
            "mkosi/mkosi.postoutput"));
    }

    /// <summary>Runs a script with the program of this build as lamina; gives what it said.</summary>
    private string Run(int code, string[] variables, params string[] words)
    {
        string programs = Directory.CreateDirectory(At("bin")).FullName, lamina = Path.Combine(programs, "lamina");
        File.WriteAllText(lamina, $"""
            #!/bin/sh
            case $1 in initrd) set -- "$@" --init '{BootKit.SystemProgram}' ;; esac
            exec '{Tools.Require("dotnet")}' '{Path.Combine(AppContext.BaseDirectory, "Lamina.Cli.dll")}' "$@"

            """);
        File.SetUnixFileMode(lamina, (UnixFileMode)0x1ED);
        string[] command = words[0] == "sh" ? words : [Path.Combine(s_contrib, words[0]), .. words[1..]];
        string path = $"PATH={programs}:{Environment.GetEnvironmentVariable("PATH")}";
        ToolResult result = Tools.Run("env", [path, .. variables, .. command]);
        Assert.True(result.ExitCode == code, $"exit code {result.ExitCode}\n{result.Output}\n{result.Error}");
        return result.Error;
    }

    private string MakeInitrd()
    {
        Tools.Require("cpio");
        string path = At("initrd.img"), tree = Directory.CreateDirectory(At("tree")).FullName;
        File.WriteAllText(Path.Combine(tree, "init"), "#!/bin/sh\n");
        Directory.CreateDirectory(Path.Combine(tree, "etc"));
        File.WriteAllText(Path.Combine(tree, "etc", "text"), "text");
        Tools.RunIn(tree, "sh", "-c", $"find . | cpio -o -H newc --quiet | gzip > '{path}'").MustSucceed();
        Modules();
        return path;
    }

    private string Modules()
    {
        string folder = Directory.CreateDirectory(At(Release)).FullName;
        File.WriteAllText(Path.Combine(folder, "modules.dep"), "");
        File.WriteAllText(Path.Combine(folder, "modules.builtin"), "kernel/erofs.ko\nkernel/loop.ko\nkernel/overlay.ko\n");
        return folder;
    }

    private static string[] Layers(string path)
    {
        using ByteSource source = ByteSource.OpenFile(path);
        return [.. new CpioReader(source).ReadAll().Where(entry => entry.Name.StartsWith("lamina/layers/") && entry.BodySize > 0)
            .Select(entry => Path.GetFileName(entry.Name))];
    }

    private string At(string name) => Path.Combine(_folder, name);
}
