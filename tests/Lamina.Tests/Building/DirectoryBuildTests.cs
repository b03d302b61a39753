using System.Diagnostics;
using Lamina.Building;
using Lamina.Compression;
using Lamina.Layers;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Building;

/// <summary>Directories of the host that become images, judged by the kernel.</summary>
public class DirectoryBuildTests
{
    /// <summary>A mounted image is a directory like any, with files of every kind, attributes and times.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_directory_becomes_an_image_that_shows_the_same(int seed)
    {
        KernelMount.SkipUnlessPossible();
        ImageFile image = TestImages.Of(seed == 3 ? Compressible.Tree(3) : new RandomTree(seed).Next());
        using KernelMount mount = image.Mount();
        WriteOptions[] ways =
        [
            TestImages.Full, TestImages.Flat,
            TestImages.Full with { Encoding = new EncodeOptions { Codec = Codec.Zstd } },
            TestImages.Full with
            {
                Encoding = new EncodeOptions { Codec = Codec.Lz4, IsPacked = true }, Kernel = KernelProfile.Linux615,
            },
        ];
        foreach (WriteOptions options in ways)
        {
            ImageFile built = TestImages.MergeAs(options, null, mount.Path);
            Assert.Equal(TestImages.Shown(image, noLinkCounts: false), TestImages.Shown(built, noLinkCounts: false));
        }
    }

    [Fact]
    public void The_same_facts_give_the_same_bytes_from_a_directory_and_from_an_image()
    {
        KernelMount.SkipUnlessPossible();
        ImageFile image = TestImages.Of(Compressible.Tree(4));
        using KernelMount mount = image.Mount();
        WriteOptions options = TestImages.Full with { Encoding = new EncodeOptions { Codec = Codec.Zstd } };
        Assert.Equal(File.ReadAllBytes(TestImages.Merge(options, image).Path),
            File.ReadAllBytes(TestImages.MergeAs(options, null, mount.Path).Path));
    }

    [Fact]
    public void Directories_deeper_than_a_path_can_be_are_read()
    {
        string folder = Scratch.NewPath("folder");
        Directory.CreateDirectory(folder);
        string name = new('n', 200);
        Assert.Equal(0, Run("bash", "-c",
            $"cd {folder}; for i in $(seq 40); do mkdir {name}; cd {name}; done; echo -n deep > file"));
        using Layer layer = LayerOpener.Open(folder);
        Node file = Trees.Walk(layer.Root).Last().Node;
        Assert.Equal("deep"u8.ToArray(), Trees.Read(file, 0, 4));
        Assert.Equal(0, Run("rm", "-rf", folder));
    }

    private static int Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode;
    }
}
