using Lamina.Tests.Archives;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Containers;

/// <summary>Images that lie: each is refused with what is wrong and where, and nothing of it is written.</summary>
public class HostileImageTests
{
    private static byte[] Tar(string text = "x") => new TarBuilder().File("file", text).End().ToArray();

    private static void AssertRefused(OciImage image, params string[] parts)
    {
        string output = Scratch.NewPath("out");
        CliRun run = CliRun.Of("merge", image.Path, "-o", output);
        Assert.True(run.Code == 3, $"exit code {run.Code}: {run.Error}");
        foreach (string part in parts)
            Assert.Contains(part, run.Error);
        Assert.Empty(Directory.GetFileSystemEntries(Path.GetDirectoryName(output)!));
    }

    [Theory]
    [InlineData("")]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public void A_changed_blob_has_another_digest(string packer)
    {
        OciImage image = new();
        string layer = image.Layer(Tar(), packer);
        image.Tag(image.Manifest([Tar()], layers: [layer]));
        byte[] bytes = File.ReadAllBytes(image.FileOf(layer));
        bytes[^1] ^= 1;
        File.WriteAllBytes(image.FileOf(layer), bytes);
        AssertRefused(image, "has the digest sha256:", "was expected");
    }

    [Fact]
    public void A_blob_of_another_length_is_refused()
    {
        OciImage image = new();
        string layer = image.Layer(Tar(), "gzip");
        image.Tag(image.Manifest([Tar()], layers: [layer]));
        File.AppendAllText(image.FileOf(layer), "more");
        AssertRefused(image, "bytes, ", "were expected");
    }

    [Fact]
    public void A_missing_blob_is_named()
    {
        OciImage image = new();
        string layer = image.Layer(Tar(), "gzip");
        image.Tag(image.Manifest([Tar()], layers: [layer]));
        File.Delete(image.FileOf(layer));
        AssertRefused(image, "has no blob sha256:");
    }

    [Theory]
    [InlineData("")]
    [InlineData("gzip")]
    public void A_layer_with_another_DiffID_is_refused(string packer)
    {
        OciImage image = new();
        image.Tag(image.Manifest([Tar("x")], layers: [image.Layer(Tar("y"), packer)]));
        AssertRefused(image, "layer with the DiffID sha256:", "was expected");
    }

    [Fact]
    public void More_layers_than_DiffIDs_are_refused()
    {
        OciImage image = new();
        string layer = image.Layer(Tar(), "gzip");
        image.Tag(image.Manifest([Tar()], layers: [layer, layer]));
        AssertRefused(image, "has 2 layers, and its config has the DiffIDs of 1");
    }

    [Theory]
    [InlineData("sha256:../../../../etc/passwd")]
    [InlineData("sha256:abc")]
    [InlineData("md5:d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData("sha256:ABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCD")]
    [InlineData("../x")]
    public void A_digest_is_a_digest_and_no_path(string digest)
    {
        OciImage image = new();
        image.Tag("{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"" + digest + "\",\"size\":3}");
        AssertRefused(image, $"has the digest {digest}; sha256: or sha512: and a hash were expected");
    }

    [Theory]
    [InlineData("[]", "is no object")]
    [InlineData("{", "is no JSON")]
    [InlineData("{\"manifests\":3}", "manifests is no array")]
    [InlineData("{\"manifests\":[{\"mediaType\":3}]}", "manifests[0].mediaType is no string")]
    [InlineData("{}", "has no manifests")]
    [InlineData("{\"manifests\":[]}", "holds no image")]
    public void An_index_that_is_none_is_told(string json, string expected)
    {
        OciImage image = new();
        File.WriteAllText(Path.Combine(image.Path, "index.json"), json);
        AssertRefused(image, expected);
    }

    [Fact]
    public void Json_may_be_neither_huge_nor_deep()
    {
        OciImage image = new();
        string index = Path.Combine(image.Path, "index.json");
        File.WriteAllText(index, "{\"manifests\":[" + new string(' ', 5 << 20) + "]}");
        AssertRefused(image, "is the most for one of its kind");
        File.WriteAllText(index, new string('[', 100_000));
        AssertRefused(image, "is no JSON");
    }

    [Fact]
    public void Indexes_within_indexes_have_an_end()
    {
        OciImage image = new();
        string descriptor = image.Manifest([Tar()]);
        for (int i = 0; i < 20; i++)
            descriptor = image.Index(descriptor);
        image.Tag(descriptor);
        AssertRefused(image, "more than 8 indexes within one another");
    }

    [Fact]
    public void Many_times_the_same_index_does_not_take_for_ever()
    {
        OciImage image = new();
        string descriptor = image.Manifest([Tar()]);
        for (int i = 0; i < 7; i++)
            descriptor = image.Index([.. Enumerable.Repeat(descriptor, 100)]);
        image.Tag(descriptor);
        AssertRefused(image, "more than 1000 images");
    }

    [Theory]
    [InlineData("application/vnd.oci.image.layer.v1.tar+encrypted")]
    [InlineData("text/plain")]
    public void A_layer_of_another_type_is_refused_by_name(string type)
    {
        OciImage image = new();
        image.Tag(image.Manifest([Tar()], layers: [image.Put(type, Tar())]));
        AssertRefused(image, $"has a layer of type {type}");
    }

    [Fact]
    public void An_artifact_is_no_image()
    {
        OciImage image = new();
        string empty = image.Put("application/vnd.oci.empty.v1+json", "{}"u8.ToArray());
        image.Tag(image.Put("manifest.v1+json", $"{{\"schemaVersion\":2,\"artifactType\":\"text/example\",\"config\":{empty}," +
            "\"layers\":[]}"));
        AssertRefused(image, "holds an artifact of type text/example, which is no image");
    }

    [Fact]
    public void A_layer_that_is_cut_off_when_packed_is_told_with_its_blob()
    {
        OciImage image = new();
        byte[] packed = Packers.Pack("gzip", Tar());
        string layer = image.Put("application/vnd.oci.image.layer.v1.tar+gzip", packed[..^4]);
        image.Tag(image.Manifest([Tar()], layers: [layer]));
        AssertRefused(image, "is cut off", image.FileOf(layer));
    }

    [Fact]
    public void A_layer_larger_than_allowed_is_refused()
    {
        OciImage image = new();
        image.Tag(image.Manifest([Tar(new string('x', 100_000))], "gzip"));
        string output = Scratch.NewPath("out");
        CliRun run = CliRun.Of("merge", image.Path, "-o", output, "--max-size", "50000");
        Assert.Equal(3, run.Code);
        Assert.Contains("decompresses to more than 50000 bytes", run.Error);
        Assert.Contains("--max-size", run.Error);
    }
}
