using System.Text;
using Lamina.Checking;
using Lamina.Format;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Reading;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Writing;

/// <summary>
/// Fingerprints of files by which kernels share pages: merged images announce them where the layers agree and all are true, and
/// it is said where not.
/// </summary>
public class PageSharingTests
{
    private static readonly byte[] s_big = RandomBytes(9000), s_other = RandomBytes(5000);

    public static TheoryData<OutputMode, string> Outputs
    {
        get
        {
            TheoryData<OutputMode, string> data = [];
            foreach (OutputMode mode in Enum.GetValues<OutputMode>())
            {
                data.Add(mode, SharingLayers.Name);
                data.Add(mode, SharingLayers.Unseen);
                data.Add(mode, "trusted.long." + new string('n', 200));
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Outputs))]
    public void Layers_of_one_name_keep_it_in_every_mode(OutputMode mode, string name)
    {
        ImageFile low = SharingLayers.Of(name, ("big", s_big));
        ImageFile high = SharingLayers.Of(name, ("other", s_other), ("copy", s_big));
        WriteResult result = Merge.ToFile([low, high], new WriteOptions { Mode = mode });
        Assert.Equal(new Version(6, 4), result.Kernel);
        Assert.Equal(name, Encoding.UTF8.GetString(result.Sharing!.Attribute.Span));
        Assert.True(result.Sharing.IsKept);
        Assert.Empty(result.Sharing.LayersWithout);
        AssertShares(new ImageFile(result.Path, result.Devices), name, fingerprints: 3, isPlain: true);
    }

    [Theory]
    [InlineData("merge", SharingLayers.Name)]
    [InlineData("merge", SharingLayers.Unseen)]
    [InlineData("build", SharingLayers.Name)]
    [InlineData("build", SharingLayers.Unseen)]
    [InlineData("mkfs.erofs", SharingLayers.Unseen)]
    public void Fingerprints_are_made_of_what_has_none(string verb, string name)
    {
        ImageFile other = SharingLayers.Of("user.other", ("big", s_big));
        string folder = Scratch.NewFolder("files"), output = Scratch.NewPath("out.erofs");
        File.WriteAllBytes(Path.Combine(folder, "copy"), s_big);
        File.WriteAllBytes(Path.Combine(folder, "large"), [.. Enumerable.Repeat(s_other, 100).SelectMany(part => part)]);
        File.WriteAllBytes(Path.Combine(folder, "empty"), []);
        if (verb == "mkfs.erofs")
            CliRun.Of("mkfs", "--xattr-inode-digest", "-zzstd", "--quiet", output, folder).MustSucceed();
        else
            CliRun.Of(verb, other, folder, "-o", output, "--xattr-inode-digest", name).MustSucceed();
        AssertShares(new ImageFile(output, []), name, fingerprints: verb == "mkfs.erofs" ? 2 : 3,
            isPlain: verb != "build");                                  // with a packed file the names stand there
        CliRun refused = CliRun.Of("build", folder, "-o", output, "-f", "--kernel", "6.1", "--xattr-inode-digest", name);
        Assert.Equal((2, true), (refused.Code, refused.Error.Contains("is refused by Linux 6.1", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(OutputMode.Flat)]
    [InlineData(OutputMode.Index)]
    [InlineData(OutputMode.Full)]
    public void Files_of_a_layer_without_take_no_part(OutputMode mode)
    {
        ImageFile low = SharingLayers.Of(SharingLayers.Name, ("big", s_big));
        string tar = Corpus.PathOf("config.tar"), image = Corpus.Layer("app", "inline");
        WriteResult result = Merge.ToFile([low, image, tar], new WriteOptions { Mode = mode });
        Assert.Equal([image, tar], result.Sharing!.LayersWithout);
        AssertShares(new ImageFile(result.Path, result.Devices), SharingLayers.Name, fingerprints: 1, isPlain: true);
    }

    [Theory]
    [InlineData("zstd-frag", "6.12")]
    [InlineData("zstd-frag", "6.15")]
    [InlineData("lzma", "6.12")]
    public void Where_there_is_a_packed_file_the_name_is_in_there_for_older_kernels(string layout, string kernel)
    {
        ImageFile low = SharingLayers.Of(SharingLayers.Unseen, ("big", s_big));
        string packed = Corpus.Layer("base", layout), more = Corpus.Layer("app", layout);
        Assert.True(KernelProfile.TryParse(kernel, out KernelProfile profile));
        foreach (OutputMode mode in Enum.GetValues<OutputMode>())
        {
            foreach (string[] layers in (string[][])[[packed, low], [packed, more, low]])
            {
                WriteResult result = Merge.ToFile(layers, new WriteOptions { Mode = mode, Kernel = profile });
                ImageFile image = new(result.Path, result.Devices);
                using (ErofsImage opened = ErofsImage.Open(image.Path, [.. image.Devices]))
                    AssertShares(image, SharingLayers.Unseen, fingerprints: 1, isPlain: opened.Packed is null);
                Assert.True(MergedImage.Compare(image, layers).AreSame);
                if (KernelMount.Obstacle is null)
                    image.Mount().Dispose();
            }
        }
    }

    [Fact]
    public void It_is_lost_where_layers_disagree_or_the_kernel_refuses_and_that_is_said()
    {
        ImageFile one = SharingLayers.Of(SharingLayers.Name, ("a", s_big));
        ImageFile two = SharingLayers.Of("trusted.sum", ("b", s_other));
        AssertLost(["merge", one, two],
            $"{one.Path} has the fingerprints of its files in user.digest, {two.Path} in trusted.sum");
        AssertLost(["merge", "--kernel", "6.1", one], "an image that names its fingerprints is refused by Linux 6.1, and read " +
            "from 6.4 on");
    }

    [Fact]
    public void An_attribute_that_only_looks_like_a_fingerprint_ends_sharing_unless_it_is_true()
    {
        ImageFile low = SharingLayers.Of(SharingLayers.Name, ("a", s_big));
        ImageFile wrong = TestImages.Of(OneFile(s_other, claimed: s_big));
        ImageFile right = TestImages.Of(OneFile(s_other, claimed: s_other));
        AssertLost(["merge", low, wrong],
            $"{wrong.Path} has a file with an attribute user.digest that is not the SHA-256 of its data");
        AssertShares(TestImages.Merge(TestImages.Flat, low, right), SharingLayers.Name, fingerprints: 2, isPlain: true);
        ImageFile hidden = TestImages.Of(Exporting.Trees.Root(Exporting.Trees.File("b")));
        AssertShares(TestImages.Merge(TestImages.Flat, low, wrong, hidden), SharingLayers.Name, fingerprints: 1, isPlain: true);
    }

    [Fact]
    public void Append_keeps_it_and_split_gives_it_back()
    {
        ImageFile low = SharingLayers.Of(SharingLayers.Unseen, ("a", s_big));
        ImageFile high = SharingLayers.Of(SharingLayers.Unseen, ("b", s_other));
        ImageFile image = TestImages.Merge(TestImages.Flat, low);
        WriteResult result = MergedImage.Append(image.Path, [high]);
        Assert.True(result.Sharing!.IsKept);
        AssertShares(image, SharingLayers.Unseen, fingerprints: 2, isPlain: true);
        IReadOnlyList<string> files = MergedImage.Split(image.Path, Scratch.NewFolder("split"));
        Assert.Equal([File.ReadAllBytes(low.Path), File.ReadAllBytes(high.Path)], files.Take(2).Select(File.ReadAllBytes));
        AssertShares(new ImageFile(files[2], []), SharingLayers.Unseen, fingerprints: 1, isPlain: true);
    }

    [Fact]
    public void A_fingerprint_that_is_not_that_of_the_data_is_a_fault()
    {
        ImageFile image = SharingLayers.Announcing(SharingLayers.Name, OneFile(s_other, claimed: s_big));
        ImageFault fault = Assert.Single(ImageChecker.Check(image.Path).Faults);
        Assert.StartsWith("its user.digest is not the SHA-256 of its data", fault.Message);
        Assert.Empty(ImageChecker.Check(image.Path, null, new CheckOptions { VerifiesDigests = false }).Faults);
    }

    [Fact]
    public void A_fingerprint_in_no_namespace_is_shown_to_nobody()
    {
        ImageFile image = SharingLayers.Of(SharingLayers.Unseen, ("a", s_big));
        Assert.DoesNotContain("xattrs", CliRun.Of("stat", image, "/a", "--json").MustSucceed().Output);
        Assert.DoesNotContain("xattrs", CliRun.Of("manifest", image).MustSucceed().Output);
        using Layer layer = LayerOpener.Open(image);
        Node file = layer.Root.Listing.Find("a"u8)!;
        Assert.True(file.Xattrs.Items.IsEmpty);
        if (KernelMount.Obstacle is null)
        {
            using KernelMount mount = image.Mount();
            Assert.Equal(s_big, File.ReadAllBytes(Path.Combine(mount.Path, "a")));
        }
    }

    [Theory]
    [InlineData("share-plain", SharingLayers.Name, true)]
    [InlineData("share-unseen", SharingLayers.Unseen, true)]
    [InlineData("share-packed", SharingLayers.Name, false)]
    public void Images_of_mkfs_keep_theirs(string fixture, string name, bool isPlain)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Fixtures", $"{fixture}.erofs");
        AssertShares(TestImages.Merge(TestImages.Full, new ImageFile(path, [])), name, fingerprints: 1, isPlain);
    }

    private static Node OneFile(byte[] data, byte[] claimed) =>
        Exporting.Trees.Root(new Entry("b"u8.ToArray(), SharingLayers.File(SharingLayers.Name, data, claimed)));

    private static void AssertShares(ImageFile image, string name, int fingerprints, bool isPlain)
    {
        CheckReport report = ImageChecker.Check(image.Path, image.Devices);
        Assert.Empty(report.Faults);
        Assert.Equal(name, Encoding.UTF8.GetString(report.FingerprintName.Span));
        Assert.Equal(fingerprints, report.FingerprintCount);
        using (ErofsImage opened = ErofsImage.Open(image.Path, [.. image.Devices]))
        {
            SuperBlock superBlock = opened.SuperBlock;
            Assert.True(superBlock.Has(IncompatibleFeatures.XattrPrefixes));
            Assert.Equal(isPlain, superBlock.Has(CompatibleFeatures.PlainXattrPrefixes));
            Assert.Equal((1, 0), (superBlock.XattrPrefixCount, superBlock.SharePrefix));
        }
        Assert.Contains($"pages are shared by {name}", CliRun.Of("inspect", image).MustSucceed().Output);
        Assert.Contains($"pages are shared by {name}, ", CliRun.Of("check", image).MustSucceed().Output);
    }

    private static void AssertLost(string[] merge, string why)
    {
        string path = Scratch.NewPath("merged.erofs");
        CliRun run = CliRun.Of([.. merge, "-o", path]).MustSucceed();
        Assert.Contains($"page cache sharing is lost: {why}\n", run.Output);
        using (ErofsImage image = ErofsImage.Open(path))
        {
            Assert.False(image.SuperBlock.Has(CompatibleFeatures.InodeShareXattrs));
            Assert.False(image.SuperBlock.Has(IncompatibleFeatures.XattrPrefixes));
        }
        var sharing = CliRun.Of([.. merge, "-o", path, "--force", "--json"]).Json().GetProperty("sharing");
        Assert.Equal((false, why), (sharing.GetProperty("kept").GetBoolean(), sharing.GetProperty("loss").GetString()));
    }

    private static byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }
}
