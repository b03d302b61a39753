using System.Globalization;
using System.Security.Cryptography;
using Lamina.Tests.Archives;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Generators;

/// <summary>Writes images in OCI form, the sound ones and the others, and shares no code with what reads them.</summary>
internal sealed class OciImage
{
    private const string Oci = "application/vnd.oci.image.";
    private readonly List<string> _entries = [];

    internal OciImage()
    {
        Directory.CreateDirectory(Blobs);
        File.WriteAllText(System.IO.Path.Combine(Path, "oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
    }

    /// <summary>The layout's directory.</summary>
    internal string Path { get; } = Scratch.NewFolder("image");

    private string Blobs => System.IO.Path.Combine(Path, "blobs", "sha256");

    /// <summary>The file of a blob.</summary>
    internal string FileOf(string descriptor) => System.IO.Path.Combine(Blobs, descriptor.Split("sha256:")[1][..64]);

    /// <summary>Writes a blob; gives its descriptor.</summary>
    internal string Put(string type, byte[] bytes, string more = "")
    {
        string digest = Convert.ToHexStringLower(SHA256.HashData(bytes));
        File.WriteAllBytes(System.IO.Path.Combine(Blobs, digest), bytes);
        return string.Create(CultureInfo.InvariantCulture,
            $"{{\"mediaType\":\"{type}\",\"digest\":\"sha256:{digest}\",\"size\":{bytes.Length}{more}}}");
    }

    internal string Put(string type, string text, string more = "") => Put(Oci + type, TarBuilder.Bytes(text), more);

    /// <summary>Writes a layer compressed by a program, or plain.</summary>
    internal string Layer(byte[] tar, string packer) => packer switch
    {
        "" => Put(Oci + "layer.v1.tar", tar),
        _ => Put(Oci + "layer.v1.tar+" + packer.Split(' ')[0], Packers.Pack(packer, tar)),
    };

    /// <summary>Writes config and manifest of an image; gives the manifest's descriptor.</summary>
    internal string Manifest(IReadOnlyList<byte[]> tars, string packer = "", string architecture = "amd64", string run = "{}",
        string more = "", string[]? layers = null)
    {
        string diffs = string.Join(',', tars.Select(tar => $"\"sha256:{Convert.ToHexStringLower(SHA256.HashData(tar))}\""));
        string config = Put("config.v1+json", $"{{\"architecture\":\"{architecture}\",\"os\":\"linux\",\"config\":{run}," +
            $"\"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[{diffs}]}}}}");
        layers ??= [.. tars.Select(tar => Layer(tar, packer))];
        return Put("manifest.v1+json", "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"," +
            $"\"config\":{config},\"layers\":[{string.Join(',', layers)}]}}", more);
    }

    /// <summary>Writes an index; gives its descriptor.</summary>
    internal string Index(params string[] descriptors) =>
        Put("index.v1+json", $"{{\"schemaVersion\":2,\"manifests\":[{string.Join(',', descriptors)}]}}");

    /// <summary>Names a manifest or an index.</summary>
    internal OciImage Tag(string descriptor, string? tag = "test")
    {
        _entries.Add(tag is null ? descriptor
            : $"{descriptor[..^1]},\"annotations\":{{\"org.opencontainers.image.ref.name\":\"{tag}\"}}}}");
        File.WriteAllText(System.IO.Path.Combine(Path, "index.json"),
            $"{{\"schemaVersion\":2,\"manifests\":[{string.Join(',', _entries)}]}}");
        return this;
    }

    /// <summary>The layout as an archive.</summary>
    internal string ToArchive()
    {
        string archive = Scratch.NewPath("image.tar");
        Tools.Run("tar", "-C", Path, "-cf", archive, ".").MustSucceed();
        return archive;
    }
}
