using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Lamina.Tests.Oracles;

/// <summary>What umoci unpacks of layers, which are put into an OCI layout for it.</summary>
internal static partial class Umoci
{
    /// <summary>The rows of the tree, as <see cref="Comparable"/> has them; skips the test where umoci cannot unpack.</summary>
    internal static string[] Unpack(IReadOnlyList<byte[]> tars)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can set owners and make devices");
        string umoci = Tools.Require("umoci"), folder = Scratch.NewFolder("oci"), image = Path.Combine(folder, "image");
        string blobs = Path.Combine(image, "blobs", "sha256"), bundle = Path.Combine(folder, "bundle");
        Directory.CreateDirectory(blobs);
        string diffs = string.Join(',', tars.Select(tar => $"\"{Put(tar).Digest}\""));
        (string Digest, long Size) config = Put(Bytes("{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{}," +
            $"\"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[{diffs}]}}}}"));
        string layers = string.Join(',', tars.Select(tar => Descriptor("layer.v1.tar", Put(tar))));
        (string Digest, long Size) manifest = Put(Bytes("{\"schemaVersion\":2," +
            "\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"," +
            $"\"config\":{Descriptor("config.v1+json", config)},\"layers\":[{layers}]}}"));
        File.WriteAllText(Path.Combine(image, "oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
        string entry = Descriptor("manifest.v1+json", manifest)[..^1];
        File.WriteAllText(Path.Combine(image, "index.json"), "{\"schemaVersion\":2,\"manifests\":[" + entry +
            ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"test\"}}]}");
        Tools.Run(umoci, "unpack", "--image", $"{image}:test", bundle).MustSucceed();
        return [.. KernelManifest.Of(Path.Combine(bundle, "rootfs")).Select(Comparable)];

        (string Digest, long Size) Put(byte[] bytes)
        {
            string digest = Convert.ToHexStringLower(SHA256.HashData(bytes));
            File.WriteAllBytes(Path.Combine(blobs, digest), bytes);
            return ($"sha256:{digest}", bytes.Length);
        }
    }

    /// <summary>
    /// A row without the time, which of a directory is that of unpacking where no entry gives one, without the permissions of
    /// symbolic links, which a file system of Linux has none of, and without the link counts of directories, which file systems
    /// count as they like.
    /// </summary>
    internal static string Comparable(string row)
    {
        row = Time().Replace(row, "");
        return row.Contains("\"type\": \"l\"", StringComparison.Ordinal) ? Mode().Replace(row, "")
            : row.Contains("\"type\": \"d\"", StringComparison.Ordinal) ? Links().Replace(row, "") : row;
    }

    private static string Descriptor(string type, (string Digest, long Size) blob) => string.Create(CultureInfo.InvariantCulture,
        $"{{\"mediaType\":\"application/vnd.oci.image.{type}\",\"digest\":\"{blob.Digest}\",\"size\":{blob.Size}}}");

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    [GeneratedRegex("\"mode\": \"\\d+\", ")]
    private static partial Regex Mode();

    [GeneratedRegex("\"nlink\": \\d+, ")]
    private static partial Regex Links();

    [GeneratedRegex("\"mtime\": -?\\d+, ")]
    private static partial Regex Time();
}
