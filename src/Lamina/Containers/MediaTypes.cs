namespace Lamina.Containers;

/// <summary>What the parts of an image are called, by OCI and by Docker.</summary>
internal static class MediaTypes
{
    private const string Oci = "application/vnd.oci.image.", Docker = "application/vnd.docker.";

    private static readonly string[] s_layers =
    [
        Oci + "layer.v1.tar", Oci + "layer.v1.tar+gzip", Oci + "layer.v1.tar+zstd",
        Oci + "layer.nondistributable.v1.tar", Oci + "layer.nondistributable.v1.tar+gzip",
        Oci + "layer.nondistributable.v1.tar+zstd",
        Docker + "image.rootfs.diff.tar", Docker + "image.rootfs.diff.tar.gzip", Docker + "image.rootfs.diff.tar.zstd",
        Docker + "image.rootfs.foreign.diff.tar", Docker + "image.rootfs.foreign.diff.tar.gzip",
    ];

    public static bool IsIndex(string type) =>
        type is Oci + "index.v1+json" or Docker + "distribution.manifest.list.v2+json";

    public static bool IsManifest(string type) =>
        type is Oci + "manifest.v1+json" or Docker + "distribution.manifest.v2+json";

    public static bool IsOldManifest(string type) =>
        type.StartsWith(Docker + "distribution.manifest.v1", StringComparison.Ordinal);

    public static bool IsConfig(string type) => type is Oci + "config.v1+json" or Docker + "container.image.v1+json";

    public static bool IsLayer(string type) => s_layers.Contains(type);
}
