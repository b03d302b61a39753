using Lamina.Boot;
using Lamina.Building;
using Lamina.Compression;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Boot;

/// <summary>What is built for a kernel is mounted by that kernel, and shows there what this machine's kernel shows.</summary>
public class BuiltImageBootTests
{
    [Theory]
    [InlineData("6.1", false, "Lz4 None,Lz4 Tails,Lz4 All")]
    [InlineData("6.12", false, "Zstd None,Zstd Tails,Zstd All,Deflate All,Lz4 Tails,Lzma None")]
    [InlineData("7.2", true, "Zstd None,Zstd All,Lz4 All,Deflate Tails,Lzma All")]
    public void Every_codec_that_a_kernel_has_is_read_by_it(string version, bool isPacked, string ways)
    {
        TestKernel kernel = BootKit.Require(version);
        List<string> layers = [BootKit.BaseLayer];
        foreach (string way in ways.Split(','))
        {
            string[] words = way.Split(' ');
            ImageFile plain = TestImages.Of(Grow.Directory((way.Replace(' ', '-'), Compressible.Tree(way.Length, isSlow: true))));
            layers.Add(TestImages.MergeAs(new WriteOptions
            {
                Mode = OutputMode.Full,
                Kernel = KernelProfile.TryParse(version, out KernelProfile profile) ? profile : null,
                Encoding = new EncodeOptions
                {
                    Codec = Enum.Parse<Codec>(words[0]),
                    Fragments = Enum.Parse<FragmentUse>(words[1]),
                    IsPacked = isPacked,
                    Dedupes = isPacked,
                },
            }, null, plain).Path);
        }
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, layers);
        BootStory story = BootKit.Boot(kernel, initrd, "lamina.stack=overlay");
        string[] expected = BootKit.Truth(layers), unlike = [.. story.Files.Except(expected)];
        Assert.True(unlike.Length == 0, string.Join('\n', [.. unlike, .. story.Lines.Where(line => line.Contains("erofs"))]));
        Assert.Equal(expected, story.Files);
    }
}
