using System.Text;
using Lamina.Boot;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Boot;

/// <summary>What boot tests share: /init as it is published, a small system to boot, and how its story is read.</summary>
internal static class BootKit
{
    private const string PublishCommand = "dotnet publish src/Lamina.Init -c Release -r linux-x64";

    private static readonly Lazy<string> s_system = new(() => Compile("boot-init"));
    private static readonly Lazy<string> s_base = new(() => MakeSystem(s_system.Value, "base.erofs"));

    /// <summary>Directories that every root has and where something is mounted in a system that runs.</summary>
    private static readonly string[] s_mountPoints = ["dev", "proc", "sys", "run"];

    /// <summary>The published /init; skips the test, visibly, where it is not.</summary>
    internal static string Init
    {
        get
        {
            string path = Path.Combine(TidyTests.FindRoot(), "artifacts", "publish", "Lamina.Init", "release_linux-x64",
                "lamina-init");
            Assert.SkipUnless(File.Exists(path), $"/init is not published: {PublishCommand}");
            return path;
        }
    }

    /// <summary>A layer with an init that tells what the system looks like and turns it off.</summary>
    internal static string BaseLayer => s_base.Value;

    /// <summary>The program of that layer, for other layers and for the host.</summary>
    internal static string SystemProgram => s_system.Value;

    /// <summary>Skips the test where nothing can be booted.</summary>
    internal static TestKernel Require(string version)
    {
        Qemu.SkipUnlessPossible();
        _ = Init;
        return KernelPackages.Require(version);
    }

    /// <summary>Makes an initramfs.</summary>
    internal static string MakeInitrd(TestKernel kernel, InitrdForm form, IReadOnlyList<string> layers,
        params string[] modules) =>
        InitrdBuilder.Build([.. layers.Select(layer => new InitrdLayer(layer))], Scratch.NewPath("initrd.img"), new InitrdOptions
        {
            Form = form,
            Init = Init,
            KernelModules = [kernel.Modules],
            ExtraModules = modules,
        }).Path;

    /// <summary>Boots, and expects that the system's init ran to its end.</summary>
    internal static BootStory Boot(TestKernel kernel, string initrd, string commandLine = "", int memory = 512,
        params string[] disks)
    {
        BootStory story = Try(kernel, initrd, commandLine, memory, disks);
        Assert.True(story.Lines.Contains("S: end"), story.Tail);
        return story;
    }

    /// <summary>Boots, whatever comes of it.</summary>
    internal static BootStory Try(TestKernel kernel, string initrd, string commandLine = "", int memory = 512,
        params string[] disks) =>
        new(Qemu.Boot(new Machine(kernel.Image, initrd, commandLine) { Memory = memory, Disks = disks }));

    /// <summary>What overlayfs of this machine shows of the layers, lowest first, as the system's init tells it.</summary>
    internal static string[] Truth(params IReadOnlyList<string> layers)
    {
        using KernelMount mount = layers.Count == 1 ? KernelMount.ErofsByLoop(layers[0]) : KernelMount.OverlayOfImages(layers);
        string output = Tools.Run(s_system.Value, mount.Path).MustSucceed().Output;
        return Comparable(output.Split('\n'));
    }

    /// <summary>The lines about files, without places where the running system has something mounted.</summary>
    internal static string[] Comparable(IEnumerable<string> lines) =>
        [.. lines.Where(line => line.StartsWith("F: ", StringComparison.Ordinal))
            .Where(line => !s_mountPoints.Any(name => line.StartsWith($"F: /{name} ", StringComparison.Ordinal) ||
                line.StartsWith($"F: /{name}/", StringComparison.Ordinal)))];

    /// <summary>A directory for a layer.</summary>
    internal static Node Folder(params (string Name, Node Node)[] entries) => new()
    {
        Type = NodeType.Directory,
        Permissions = 0x1ED,
        Payload = DirectoryListing.Of([.. entries.Select(entry => new Entry(Encoding.UTF8.GetBytes(entry.Name), entry.Node))]),
    };

    /// <summary>A program for a layer.</summary>
    internal static Node Program(byte[] bytes) =>
        new() { Type = NodeType.RegularFile, Permissions = 0x1ED, Payload = new BytesContent(bytes) };

    /// <summary>Writes a layer.</summary>
    internal static string MakeLayer(string name, Node root)
    {
        string path = Scratch.NewPath(name);
        ImageWriter.Write(root, [], path, new WriteOptions { Mode = OutputMode.Full, BlockSize = 4096 });
        return path;
    }

    /// <summary>Writes a layer with an init and the directories that a system needs.</summary>
    internal static string MakeSystem(string init, string name) => MakeLayer(name, Folder(
    [
        .. s_mountPoints.Select(point => (point, Folder())),
        ("sbin", Folder(("init", Program(File.ReadAllBytes(init))))),
    ]));

    /// <summary>Compiles the init of a system from a source among the fixtures.</summary>
    internal static string Compile(string name) => Compile(name, Tools.Find("gcc") ?? Tools.Require("clang"));

    internal static string Compile(string name, string compiler)
    {
        string source = Path.Combine(AppContext.BaseDirectory, "Fixtures", $"{name}.c"), program = Scratch.NewPath(name);
        Tools.Run(compiler, "-static", "-Os", "-s", "-Wall", "-o", program, source).MustSucceed();
        return program;
    }
}

/// <summary>What a machine wrote to its console.</summary>
internal sealed record BootStory(string[] Lines)
{
    /// <summary>What /init said.</summary>
    internal string[] Init => [.. Lines.Where(line => line.Contains("] lamina: ")).Select(line =>
        line[(line.IndexOf(" ms: ", StringComparison.Ordinal) + 5)..])];

    /// <summary>What the booted system showed of its files.</summary>
    internal string[] Files => BootKit.Comparable(Lines);

    /// <summary>The last lines, for a test that failed.</summary>
    internal string Tail => string.Join('\n', Lines.TakeLast(70));

    /// <summary>The one line that says why a boot failed.</summary>
    internal string Failure
    {
        get
        {
            string[] failures = [.. Init.Where(line => line.StartsWith("failed: ", StringComparison.Ordinal))];
            Assert.True(failures.Length == 1, Tail);
            Assert.DoesNotContain("S: end", Lines);
            return failures[0]["failed: ".Length..];
        }
    }
}
