using System.Text.Json;
using Lamina.Tests.Archives;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Layers;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Containers;

/// <summary>An image of container tools stands for its layers wherever a layer is named.</summary>
public class ContainerImageTests
{
    private const string Run = "{\"Env\":[\"PATH=/bin\",\"A=1\"],\"Entrypoint\":[\"/bin/app\",\"two words\"],\"Cmd\":[\"-v\"]," +
        "\"User\":\"1000:100\",\"Labels\":{\"org.example\":\"yes\"},\"ExposedPorts\":{\"80/tcp\":{}}}";

    private static byte[][] Tars() =>
    [
        new TarBuilder().Directory("./").Directory("usr").Directory("usr/bin").File("usr/bin/sh", "shell")
            .Symlink("bin", "usr/bin").Directory("etc").File("etc/motd", "hello").Directory("var").File("var/a", "a")
            .File("var/b", "b").End().ToArray(),
        new TarBuilder().File("bin/foo", "foo").File("etc/.wh.motd").Directory("var").File("var/.wh..wh..opq").File("var/c", "c")
            .Pax(("SCHILY.xattr.security.capability", (byte[])[1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
            .File("usr/bin/cap", "cap").Link("usr/bin/two", "usr/bin/cap").End().ToArray(),
        .. Enumerable.Range(0, 58).Select(i => new TarBuilder().File($"var/layer-{i}", $"{i}").File($"var/.wh.layer-{i - 2}")
            .End().ToArray()),
    ];

    private static OciImage Sound(string packer = "")
    {
        OciImage image = new();
        return image.Tag(image.Manifest(Tars(), packer, run: Run));
    }

    private static string Merged(string name, params string[] options)
    {
        string output = Scratch.NewPath("out");
        CliRun.Of(["merge", name, "-o", output, .. options]).MustSucceed();
        return output;
    }

    [Theory]
    [InlineData("", "flat")]
    [InlineData("gzip", "flat")]
    [InlineData("zstd", "full")]
    public void Sixty_layers_are_what_umoci_unpacks(string packer, string mode)
    {
        KernelMount.SkipUnlessPossible();
        OciImage image = Sound(packer), plain = Sound();                // Debian's umoci knows no zstd
        string umoci = Tools.Require("umoci"), bundle = Path.Combine(Scratch.NewFolder("bundle"), "bundle");
        Tools.Run(umoci, "unpack", "--image", $"{plain.Path}:test", bundle).MustSucceed();
        using KernelMount mount = KernelMount.Erofs(Merged($"oci:{image.Path}:test", "--mode", mode));
        Assert.Equal(KernelManifest.Of(Path.Combine(bundle, "rootfs")).Select(Umoci.Comparable),
            KernelManifest.Of(mount.Path).Select(Umoci.Comparable));
    }

    [Fact]
    public void All_forms_and_ways_to_name_it_are_the_same_image()
    {
        OciImage image = Sound("gzip");
        string archive = image.ToArchive(), packed = Scratch.NewPath("packed"), first = Merged($"oci:{image.Path}:test");
        File.WriteAllBytes(packed, Packers.Pack("zstd", File.ReadAllBytes(archive)));
        string[] names =
        [
            image.Path, $"oci:{image.Path}", archive, $"oci-archive:{archive}", $"oci-archive:{archive}:test", packed,
            $"oci-archive:{packed}:test",
        ];
        foreach (string name in names)
        {
            CliRun.Of("diff", first, name).MustSucceed();
            CliRun.Of("diff", first, Merged(name)).MustSucceed();
        }
        Assert.Equal("shell", CompressedLayerTests.Read(image.Path, "/bin/sh"));
        Assert.Contains("foo", CliRun.Of("ls", archive, "/usr/bin").MustSucceed().Output);
    }

    [Fact]
    public void What_skopeo_makes_of_it_is_the_same_image()
    {
        OciImage image = Sound("gzip");
        string skopeo = Tools.Require("skopeo"), docker = Scratch.NewPath("docker.tar"), oci = Scratch.NewPath("oci.tar");
        Tools.Run(skopeo, "copy", $"oci:{image.Path}:test", $"docker-archive:{docker}:example.org/app:1").MustSucceed();
        Tools.Run(skopeo, "copy", $"oci:{image.Path}:test", $"oci-archive:{oci}:test").MustSucceed();
        string first = Merged($"oci:{image.Path}:test");
        foreach (string name in new[] { docker, $"docker-archive:{docker}", $"docker-archive:{docker}:example.org/app:1", oci })
            CliRun.Of("diff", first, name).MustSucceed();
        CliRun run = CliRun.Of("ls", $"docker-archive:{docker}:other");
        Assert.Equal(3, run.Code);
        Assert.Contains("holds no image called other", run.Error);
        Assert.Contains("example.org/app:1", run.Error);
    }

    [Fact]
    public void Its_config_is_shown_and_written_beside()
    {
        OciImage image = Sound("gzip");
        string text = CliRun.Of("inspect", image.Path).MustSucceed().Output;
        foreach (string part in new[] { "linux/amd64", "60 layers", "user 1000:100", "entrypoint /bin/app 'two words'",
            "command -v", "environment PATH=/bin", "label org.example=yes", "ports 80/tcp", "layer.v1.tar+gzip" })
            Assert.Contains(part, text);
        JsonElement json = CliRun.Of("inspect", image.Path, "--json").Json();
        Assert.Equal("1000:100", json.GetProperty("config").GetProperty("config").GetProperty("User").GetString());
        Assert.Equal(60, json.GetProperty("layers").GetArrayLength());
        string config = Scratch.NewPath("config.json");
        Merged(image.Path, "--config", config);
        using JsonDocument written = JsonDocument.Parse(File.ReadAllBytes(config));
        Assert.Equal("/bin/app", written.RootElement.GetProperty("config").GetProperty("Entrypoint")[0].GetString());
    }

    [Fact]
    public void A_config_is_asked_for_in_vain_without_an_image()
    {
        string tar = Scratch.NewPath("layer.tar"), output = Scratch.NewPath("out");
        File.WriteAllBytes(tar, Tars()[0]);
        CliRun run = CliRun.Of("merge", tar, "-o", output, "--config", Scratch.NewPath("config"));
        Assert.Equal(2, run.Code);
        Assert.Contains("none of the layers is a container image", run.Error);
        Assert.False(File.Exists(output));
    }

    [Fact]
    public void Layers_may_be_above_and_below()
    {
        OciImage image = Sound("gzip");
        string tar = Scratch.NewPath("layer.tar");
        File.WriteAllBytes(tar, new TarBuilder().File("etc/new", "new").Link("etc/sh", "usr/bin/sh").End().ToArray());
        string output = Scratch.NewPath("out");
        CliRun.Of("merge", image.Path, tar, "-o", output, "--explain").MustSucceed();
        Assert.Equal("shell", CompressedLayerTests.Read(output, "/etc/sh"));
    }

    [Fact]
    public void The_platform_is_chosen_through_indexes()
    {
        OciImage image = new();
        string Platform(string architecture, string variant = "") => ",\"platform\":{\"os\":\"linux\",\"architecture\":\"" +
            $"{architecture}\",\"variant\":\"{variant}\"}}";
        byte[] Tar(string text) => new TarBuilder().File("which", text).End().ToArray();
        string arm = image.Manifest([Tar("arm64")], "gzip", "arm64", more: Platform("arm64", "v8"));
        string s390 = image.Manifest([Tar("s390x")], "gzip", "s390x");          // the index does not say, the config does
        string other = image.Manifest([Tar("none")], "gzip", "unknown",
            more: ",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}");
        image.Tag(image.Index(image.Index(arm), s390, other));
        Assert.Equal("arm64", File.ReadAllText(Extracted("linux/arm64")));
        Assert.Equal("s390x", File.ReadAllText(Extracted("linux/s390x")));
        CliRun run = CliRun.Of("merge", image.Path, "-o", Scratch.NewPath("out"), "--platform", "linux/riscv64");
        Assert.Equal(3, run.Code);
        Assert.Contains("has no image for linux/riscv64", run.Error);
        Assert.Contains("linux/arm64/v8, linux/s390x", run.Error);
        Assert.Equal(2, CliRun.Of("merge", image.Path, "-o", Scratch.NewPath("out"), "--platform", "arm64").Code);

        string Extracted(string platform)
        {
            string folder = Path.Combine(Scratch.NewFolder("extract"), "tree");
            CliRun.Of("extract", Merged(image.Path, "--platform", platform), folder).MustSucceed();
            return Path.Combine(folder, "which");
        }
    }

    [Fact]
    public void Of_several_images_one_must_be_named()
    {
        OciImage image = new();
        image.Tag(image.Manifest([Tars()[0]]), "one").Tag(image.Manifest([Tars()[1]]), "two");
        CliRun run = CliRun.Of("ls", image.Path);
        Assert.Equal((3, true), (run.Code, run.Error.Contains("Say which, behind a colon: one, two", StringComparison.Ordinal)));
        CliRun.Of("ls", $"oci:{image.Path}:one").MustSucceed();
        Assert.Contains("holds no image called three", CliRun.Of("ls", $"oci:{image.Path}:three").Error);
    }

    [Fact]
    public void An_image_of_each_layer_is_called_by_its_DiffID_and_kept()
    {
        OciImage image = Sound("gzip");
        string folder = Scratch.NewPath("layers");
        CliRun first = CliRun.Of("build", "--layers", folder, image.Path, "-z", "none", "--json").MustSucceed();
        string[] layers = [.. first.Json().GetProperty("layers").EnumerateArray()
            .Select(layer => layer.GetProperty("output").GetString()!)];
        string hex = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Tars()[1]));
        Assert.Equal(Path.Combine(folder, $"sha256-{hex}.erofs"), layers[1]);
        Assert.Equal(60, Directory.GetFiles(folder).Length);
        string merged = Scratch.NewPath("merged");
        CliRun.Of(["merge", .. layers, "-o", merged]).MustSucceed();
        CliRun.Of("diff", merged, image.Path).MustSucceed();

        byte[] before = File.ReadAllBytes(layers[1]);
        Assert.Contains($"{layers[1]} was there already",
            CliRun.Of("build", "--layers", folder, image.Path).MustSucceed().Output);
        Assert.Equal(before, File.ReadAllBytes(layers[1]));
        Assert.DoesNotContain("already", CliRun.Of("build", "--layers", folder, image.Path, "-f").MustSucceed().Output);
        File.WriteAllText(layers[1], "no image");
        Assert.Contains(layers[1], CliRun.Of("build", "--layers", folder, image.Path).Error);
    }

    [Fact]
    public void Images_of_layers_are_made_of_a_container_image_alone()
    {
        string tar = Scratch.NewPath("layer.tar"), folder = Scratch.NewPath("layers");
        File.WriteAllBytes(tar, Tars()[0]);
        CliRun run = CliRun.Of("build", "--layers", folder, tar);
        Assert.Equal((3, true), (run.Code, run.Error.Contains("is no container image", StringComparison.Ordinal)));
        Assert.False(Directory.Exists(folder));
        Assert.Equal(2, CliRun.Of("build", "--layers", folder, Sound().Path, "-o", Scratch.NewPath("out")).Code);
        Assert.Equal(2, CliRun.Of("build", "--layers", folder, Sound().Path, "-n").Code);
        Assert.Equal(2, CliRun.Of("build", tar).Code);
    }
}
