using System.Security.Cryptography;
using Lamina.Archives;
using Lamina.Layers;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Containers;

/// <summary>
/// An image as container tools keep it: a config, and layers that are unpacked one over the other. Nothing of it counts before
/// its length and digest were compared with what refers to it.
/// </summary>
internal sealed class ContainerImage : IDisposable
{
    private readonly BlobStore _store;
    private readonly ImageManifest _manifest;

    private ContainerImage(BlobStore store, ImageManifest manifest) => (_store, _manifest) = (store, manifest);

    /// <summary>What messages call it.</summary>
    public string Name => _store.Name;

    /// <summary>What it says of itself.</summary>
    public ImageConfig Config => _manifest.Config;

    /// <summary>Its layers, lowest first.</summary>
    public IReadOnlyList<ImageLayer> Layers => _manifest.Layers;

    /// <summary>Files that must stay open as long as a layer is read.</summary>
    public ByteSource? Shared => _store.Shared;

    /// <summary>
    /// Opens an image that a specification names with its kind, or that is a directory in OCI form; null if it is anything else.
    /// </summary>
    public static ContainerImage? TryOpen(string specification, LayerOptions options)
    {
        if (ImageName.TryParse(specification, HostFile.Exists) is { } name)
        {
            return name.Kind == ImageForm.Directory
                ? OpenDirectory(name.Path, name.Tag, options)
                : OfArchive(LayerOpener.OpenArchive(name.Path, options), name.Kind, name.Tag, options);
        }
        return HostFile.IsDirectory(specification) && HostFile.Exists($"{specification}/{OciLayout.MarkName}")
            ? OpenDirectory(specification, null, options) : null;
    }

    /// <summary>Takes an archive that was read and is one of an image; it owns it.</summary>
    public static ContainerImage OfArchive(Layer archive, LayerOptions options) => OfArchive(archive,
        archive.Root.Find(OciLayout.MarkName) is null ? ImageForm.DockerArchive : ImageForm.Archive, null, options);

    private static ImagePlatform? PlatformOf(LayerOptions options) => options.Platform is not { } text ? null
        : ImagePlatform.TryParse(text)
            ?? throw new ArgumentException($"the platform {text} is not os/arch or os/arch/variant, such as linux/arm64");

    private static ContainerImage OpenDirectory(string path, string? tag, LayerOptions options)
    {
        if (!HostFile.IsDirectory(path))
            throw new FileNotFoundException($"{path}: there is no such directory");
        BlobStore store = BlobStore.OfDirectory(path);
        return new ContainerImage(store, ImageManifest.Read(store, new OciLayout(store, PlatformOf(options)).Find(tag)));
    }

    private static ContainerImage OfArchive(Layer archive, ImageForm form, string? tag, LayerOptions options)
    {
        BlobStore store = BlobStore.OfArchive(archive);
        try
        {
            return new ContainerImage(store, form == ImageForm.DockerArchive
                ? DockerArchive.Find(store, tag, PlatformOf(options))
                : ImageManifest.Read(store, new OciLayout(store, PlatformOf(options)).Find(tag)));
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens all layers, several at a time. They are read from files of the image as long as they are open, so that it is to be
    /// disposed after them.
    /// </summary>
    /// <param name="options">How to open them; upper if layers are below the lowest.</param>
    public Layer[] OpenLayers(LayerOptions options)
    {
        Layer?[] opened = new Layer?[Layers.Count];
        // The largest first: they take the longest, and the small ones fill the time that is left.
        int[] order = [.. Enumerable.Range(0, opened.Length).OrderByDescending(index => Layers[index].Blob?.Size ?? 0)];
        // Each layer is read for its digest, and once more to decompress it.
        long total = 2 * Layers.Sum(layer => layer.Blob?.Size ?? 0);
        Action<long>? progress = options.Work.Counter(() => total);
        try
        {
            Workers.ForEach(options.Work.ThreadCount, order.Length, () => 0, (_, turn) =>
            {
                int index = order[turn];
                opened[index] = OpenLayer(index, options with { IsUpper = options.IsUpper || index > 0 }, progress);
            }, options.Work.Cancellation);
            return opened!;
        }
        catch
        {
            foreach (Layer? layer in opened)
                layer?.Dispose();
            throw;
        }
    }

    /// <summary>Opens one layer, verified and decompressed.</summary>
    public Layer OpenLayer(int index, LayerOptions options, Action<long>? progress = null)
    {
        ByteSource tar = OpenTar(Layers[index], options, progress);
        try
        {
            return LayerOpener.Open(tar, [], options with { Rules = WhiteoutRules.Oci });
        }
        catch
        {
            tar.Dispose();
            throw;
        }
    }

    private ByteSource OpenTar(ImageLayer layer, LayerOptions options, Action<long>? progress)
    {
        ByteSource blob = layer.Blob is { } descriptor ? _store.Open(descriptor)
            : _store.Open(layer.Path) ?? throw new CorruptImageException(Name, $"has no layer {layer.Path}, which it refers to");
        SpooledFile? spool = null;
        try
        {
            if (layer.Blob is { Digest: var digest })
                VerifyAll(blob, digest, "has the digest", options, progress);
            using IncrementalHash hash = layer.DiffId.Begin();
            if (Packed.KindAt(blob, 0) is not { } kind)
            {
                if (layer.Blob?.Digest != layer.DiffId)
                    VerifyAll(blob, layer.DiffId, "is a layer with the DiffID", options, progress);
                return blob;
            }
            spool = new SpooledFile(blob, options.SpoolBeside, $"is compressed with {kind}");
            Packed.DecodeAll(blob, run =>
            {
                options.Work.Cancellation.ThrowIfCancellationRequested();
                if (options.MaxSize > 0 && spool.Length > options.MaxSize - run.Length)
                    throw Unpacking.TooLarge(blob.Name, options.MaxSize);
                hash.AppendData(run);
                spool.Append(run);
            }, progress);
            layer.DiffId.Verify(hash, blob.Name, "decompresses to a layer with the DiffID");
            blob.Dispose();
            return spool;
        }
        catch
        {
            spool?.Dispose();
            blob.Dispose();
            throw;
        }
    }

    private static void VerifyAll(
        ByteSource source, Digest digest, string what, LayerOptions options, Action<long>? progress)
    {
        const int step = 1 << 20;
        using IncrementalHash hash = digest.Begin();
        byte[] buffer = GC.AllocateUninitializedArray<byte>((int)Math.Min(step, Math.Max(source.Length, 1)));
        int count;
        for (long at = 0; at < source.Length; at += count)
        {
            options.Work.Cancellation.ThrowIfCancellationRequested();
            count = (int)Math.Min(buffer.Length, source.Length - at);
            source.ReadExactly(at, buffer.AsSpan(0, count));
            hash.AppendData(buffer, 0, count);
            progress?.Invoke(count);
        }
        digest.Verify(hash, source.Name, what);
    }

    /// <inheritdoc/>
    public void Dispose() => _store.Dispose();
}
