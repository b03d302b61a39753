using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Cli;

/// <summary>Verbs that look into images, given one as container tools keep it.</summary>
public class ContainerVerbTests
{
    [Fact]
    public void What_looks_into_an_image_can_be_told_for_which_platform()
    {
        OciImage image = new();
        string Platform(string name) => $",\"platform\":{{\"os\":\"linux\",\"architecture\":\"{name}\"}}";
        byte[] Tar(string name) => new TarBuilder().File("made-for", name).ToArray();
        image.Tag(image.Index(image.Manifest([Tar("s390x")], "", "s390x", more: Platform("s390x")),
            image.Manifest([Tar("riscv64")], "", "riscv64", more: Platform("riscv64"))));
        string folder = Scratch.NewFolder("platform");
        string[][] verbs = [["ls", image.Path], ["tree", image.Path], ["stat", image.Path, "/made-for"],
            ["manifest", image.Path], ["diff", image.Path, image.Path], ["cat", image.Path, "/made-for"],
            ["extract", image.Path, Path.Combine(folder, "out"), "--no-owner"],
            ["export", image.Path, "-o", Path.Combine(folder, "out.tar")]];
        foreach (string[] verb in verbs)
        {
            CliRun unsaid = CliRun.Of(verb);
            Assert.Equal(3, unsaid.Code);
            Assert.Contains("Choose with --platform: linux/s390x, linux/riscv64", unsaid.Error);
            CliRun.Of([.. verb, "--platform", "linux/riscv64"]).MustSucceed();
        }
        Assert.Equal("riscv64", File.ReadAllText(Path.Combine(folder, "out", "made-for")));
    }

    [Fact]
    public void A_root_with_a_manifest_of_its_own_is_no_archive_of_an_image()
    {
        string[] manifests = ["", "{}", "[]", "[{\"name\":\"an app\",\"icons\":[]}]", "{\"Config\":\"a\",\"Layers\":[]}"];
        foreach (string manifest in manifests)
        {
            string tar = Scratch.NewPath("root.tar");
            File.WriteAllBytes(tar, new TarBuilder().File("manifest.json", manifest).File("oci-layout", "mine").ToArray());
            Assert.Equal("manifest.json\noci-layout\n", CliRun.Of("ls", tar).MustSucceed().Output);
            CliRun.Of("merge", tar, "-o", Scratch.NewPath("root.erofs")).MustSucceed();
        }
        string saved = Scratch.NewPath("saved.tar");
        File.WriteAllBytes(saved, new TarBuilder().File("manifest.json", " [ {\"Config\":\"c.json\",\"Layers\":[]}]").ToArray());
        Assert.Contains("has no config c.json", CliRun.Of("ls", saved).Error);
    }

    [Fact]
    public void An_image_that_is_appended_to_is_left_out_of_a_directory_that_holds_it()
    {
        string folder = Scratch.NewFolder("append"), image = Path.Combine(folder, "root.erofs");
        File.WriteAllText(Path.Combine(folder, "a"), "a");
        CliRun.Of("merge", folder, "-o", image).MustSucceed();
        File.WriteAllText(Path.Combine(folder, "b"), "b");
        CliRun.Of("append", image, folder).MustSucceed();
        Assert.Equal("a\nb\n", CliRun.Of("ls", image).MustSucceed().Output);
    }
}
