using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Writing;

/// <summary>
/// An image that current kernels themselves read wrongly (LZMA with fragments and ztailpacking, an uncompressed tail beside
/// rotated clusters) comes out right.
/// </summary>
public class MisreadLayoutTests
{
    private static readonly string[] s_digests =
    [
        "a63c70939dffd81f1e8847ca36a1c411a6f82a72682f194d2995402fc32dbc2e",
        "24d4494c6fb7ed7c089889c9b60fe1c62daad31194849f10866f317c20f9032f",
        "2ceb5e0b87519e05a30e7b343c025cd1351d9a1d86adfad9a1b44adfaa46976c",
        "3c5a14d9d57de11210e851ca5f49499d68f8ed86cb3e078a0e01f3ecbdf900f6",
        "0cf8bf853dc688a84fc1013f0c24048a5ee43782dd1f0296a2311239d53804a0",
        "f78c0c75a1383ee9daf6e22418b6cf83f167e48c39eb7eb84b93ec1cd42d79fe",
        "de77f019216fabba0b85b515cdf72e6613d41386927b63e9a4941882a8630b4f",
        "e6716369743ea0ce26c42109f0f7dcb3295be615fcad65e75f3b1b53c0133582",
    ];

    private static string Fixture => Path.Combine(AppContext.BaseDirectory, "Fixtures", "interlaced-tail.erofs");

    [Theory]
    [InlineData(OutputMode.Flat, "6.12")]
    [InlineData(OutputMode.Index, "6.12")]
    [InlineData(OutputMode.Full, "6.12")]
    [InlineData(OutputMode.Flat, "6.15")]
    [InlineData(OutputMode.Index, "6.15")]
    [InlineData(OutputMode.Full, "6.15")]
    public void Files_that_the_kernel_shows_wrongly_are_right_after_a_merge(OutputMode mode, string kernel)
    {
        KernelMount.SkipUnlessPossible();
        Assert.True(KernelProfile.TryParse(kernel, out KernelProfile profile));
        WriteResult result = Merge.ToFile([Fixture], new WriteOptions { Mode = mode, Kernel = profile });
        using KernelMount mount = KernelMount.Erofs(result.Path, [.. result.Devices]);
        string[] rows = mount.Manifest();
        for (int i = 0; i < s_digests.Length; i++)
            Assert.Contains(rows, row => row.Contains($"\"path\": \"/f{i}\"") && row.Contains(s_digests[i]));
    }

    [Fact]
    public void With_a_second_packed_file_behind_it_all_files_are_right_too()
    {
        KernelMount.SkipUnlessPossible();
        foreach (KernelProfile kernel in (KernelProfile[])[KernelProfile.Linux612, KernelProfile.Linux615])
        {
            WriteResult result = Merge.ToFile([Fixture, Corpus.PathOf("frag-all.erofs")],
                new WriteOptions { Mode = OutputMode.Index, Kernel = kernel });
            using KernelMount mount = KernelMount.Erofs(result.Path, [.. result.Devices]);
            string[] rows = mount.Manifest();
            Assert.All(s_digests, digest => Assert.Contains(rows, row => row.Contains(digest)));
            IEnumerable<string> expected = Corpus.Truth("frag-all.erofs").Where(row => row.Contains("\"type\": \"f\"")
                && !row.Contains("overlay"));
            Assert.All(expected, row => Assert.Contains(row, rows));
        }
    }
}
