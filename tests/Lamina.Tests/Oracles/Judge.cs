using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Reading;

namespace Lamina.Tests.Oracles;

/// <summary>
/// Says what an image or an overlay of images shows. The kernel says it where it can be asked. Elsewhere the library's own reader
/// and a model of overlayfs do, and the test carries a warning with the reason: it proves less, but it runs.
/// </summary>
internal static class Judge
{
    /// <summary>The rows of an image.</summary>
    internal static string[] Show(string image, IReadOnlyList<string> devices, bool noLinkCounts = false)
    {
        if (KernelMount.Obstacle is { } obstacle)
        {
            Warn(obstacle);
            using ErofsImage opened = Open(image, devices);
            return TreeManifest.Of(opened, noLinkCounts);
        }
        using KernelMount mount = KernelMount.Erofs(image, devices);
        return mount.Manifest(noLinkCounts);
    }

    /// <summary>
    /// The rows of an overlay of images, lowest first, without link counts: an overlay has those of its layers.
    /// </summary>
    internal static string[] Overlay(IReadOnlyList<ImageFile> layers)
    {
        string[] modelled = Model(layers);
        if (KernelMount.OverlayObstacle is { } obstacle)
        {
            Warn(obstacle);
            return modelled;
        }
        List<KernelMount> mounts = [];
        try
        {
            foreach (ImageFile layer in layers)
                mounts.Add(KernelMount.ErofsByLoop(layer.Path, [.. layer.Devices]));
            using KernelMount overlay = KernelMount.Overlay([.. mounts.Select(mount => mount.Path)]);
            string[] shown = overlay.Manifest(noLinkCounts: true);
            Assert.Equal(shown, modelled);      // else the model would judge wrongly where it has to stand in
            return shown;
        }
        finally
        {
            mounts.ForEach(mount => mount.Dispose());
        }
    }

    private static string[] Model(IReadOnlyList<ImageFile> layers)
    {
        List<ErofsImage> images = [];
        try
        {
            foreach (ImageFile layer in layers)
                images.Add(Open(layer.Path, layer.Devices));
            return OverlayModel.Show(images);
        }
        finally
        {
            images.ForEach(image => image.Dispose());
        }
    }

    private static ErofsImage Open(string image, IReadOnlyList<string> devices) =>
        ErofsImage.Open(ByteSource.OpenFile(image), [.. devices.Select(ByteSource.OpenFile)]);

    private static void Warn(string obstacle) =>
        TestContext.Current.AddWarning($"judged in process, as {obstacle}");
}
