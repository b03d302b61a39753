using System.Security.Cryptography;
using Lamina.Archives;
using Lamina.Images;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Trust;

namespace Lamina.Boot;

/// <summary>
/// The layers of an archive with a dm-verity tree behind each: those that were made with one keep it, others get one. What has no
/// place for a tree, as a tar, is known by its SHA-256.
/// </summary>
/// <remarks>
/// Layers are not copied for that. Their trees are kept in memory until they go into the archive, as the list in front of the
/// layers and the index need the root hashes first: 8 MiB for 1 GiB.
/// </remarks>
internal sealed class InitrdTrust
{
    private readonly List<(LayerCheck Check, string Value)> _values = [];
    private readonly List<ByteSource> _bodies = [];

    private InitrdTrust()
    {
    }

    /// <summary>What goes into the archive, in the order of the layers.</summary>
    public IReadOnlyList<ByteSource> Bodies => _bodies;

    /// <summary>Finds or makes the trees.</summary>
    /// <param name="layers">The layers, which stay open as long as <see cref="Bodies"/> are read.</param>
    /// <param name="options">How trees are made.</param>
    /// <exception cref="CorruptImageException">A layer does not match the tree behind it.</exception>
    /// <exception cref="UnsupportedImageException">Something else than a tree stands behind a layer.</exception>
    public static InitrdTrust Prepare(IReadOnlyList<ByteSource> layers, VerityOptions options)
    {
        InitrdTrust trust = new();
        foreach (ByteSource layer in layers)
            trust.Add(layer, options);
        return trust;
    }

    /// <summary>What a boot has to find under these names.</summary>
    public byte[] List(IReadOnlyList<string> names) => RootHashList.Format(
        _values.Select((value, i) => new ExpectedLayer(names[i], value.Check, value.Value)));

    /// <summary>How a list is named on the command line.</summary>
    public static string DigestOf(ReadOnlySpan<byte> list) => Convert.ToHexStringLower(SHA256.HashData(list));

    private void Add(ByteSource layer, VerityOptions options)
    {
        if (!ErofsImage.IsErofs(layer))
        {
            _bodies.Add(layer);
            _values.Add((LayerCheck.Sha256, Convert.ToHexStringLower(ContentDigest.Compute(layer, layer.Length))));
            return;
        }
        VerityInfo info;
        if (AppendedTree.Find(layer) is not (VeritySuperBlock tree, long offset))
        {
            (ByteSource body, info) = WithTree(layer, options);
            _bodies.Add(body);
        }
        else
        {
            // The source that is open, not its name again: a pipe can be read once.
            info = new VerityInfo(tree, VerityTree.RootOf(tree, layer, layer, offset), offset);
            VerityReport report = VerityImage.Verify(layer, info.RootHash.Span, null, null, null);
            if (!report.IsSound)
                throw new CorruptImageException(layer.Name, $"does not match the dm-verity tree behind it: {report.Faults[0]}");
            _bodies.Add(layer);
        }
        _values.Add((LayerCheck.Verity, info.RootHashText));
    }

    /// <summary>An image with a tree behind it, as <see cref="VerityImage.Format"/> would write it.</summary>
    internal static (ByteSource Body, VerityInfo Info) WithTree(ByteSource image, VerityOptions options)
    {
        long end = AppendedTree.DataEnd(image), start = AppendedTree.OffsetFor(end, options.BlockSize);
        if (image.Length > start)
        {
            throw new UnsupportedImageException(image.Name,
                $"{image.Length - start} bytes behind the image (from byte {start} on) are no dm-verity tree",
                $"If nothing needs them, cut them off: truncate -s {end} {ShellText.Quote(image.Name)}");
        }
        VeritySuperBlock planned = VerityTree.Plan(options, start);
        byte[] padding = new byte[start - end], tree = new byte[planned.Length];
        (ByteSource, long)[] data = [(image, end), (FromMemory(image.Name, padding), padding.Length)];
        VerityInfo info = VerityTree.Write(new JoinedSource(image.Name, data), planned,
            (block, at) => block.CopyTo(tree.AsSpan((int)at)), new WorkOptions());
        return (new JoinedSource(image.Name, [.. data, (FromMemory(image.Name, tree), tree.Length)]),
            info with { HashOffset = start });
    }

    private static ByteSource FromMemory(string name, byte[] bytes) => ByteSource.FromMemory(name, bytes);
}
