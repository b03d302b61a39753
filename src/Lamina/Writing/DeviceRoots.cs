using Lamina.Format;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Writing;

/// <summary>
/// The dm-verity trees that layers were made with: an index can name such a layer by its root hash, so that it is checked
/// block by block while it is used. Each is checked now, as whoever trusts the index trusts what it names.
/// </summary>
internal sealed class DeviceRoots
{
    private readonly Dictionary<Original, (DeviceTag Tag, long DataLength)> _found = new(ReferenceEqualityComparer.Instance);

    /// <summary>Looks for trees of SHA-256 digests, which a tag has room for; others stay bytes like any.</summary>
    /// <exception cref="CorruptImageException">A layer does not match its own tree.</exception>
    public DeviceRoots(IEnumerable<Original> originals, bool isWanted)
    {
        if (!isWanted || !Digests.IsSupported)
            return;
        foreach (Original original in originals)
        {
            ByteSource bytes = original.Bytes;
            if (AppendedTree.Find(bytes) is not { } tree || tree.SuperBlock.Algorithm != VerityAlgorithm.Sha256)
                continue;
            byte[] root = VerityTree.RootOf(tree.SuperBlock, bytes, bytes, tree.Offset);
            VerityReport report = VerityCheck.Run(tree.SuperBlock, bytes, bytes, tree.Offset, root);
            string? fault = report.IsSound ? TreeCoverage.FindFault(tree.SuperBlock, tree.Offset, bytes, bytes)
                : report.Faults[0];
            if (fault is not null)
                throw new CorruptImageException(original.Name, $"does not match its own dm-verity tree: {fault}");
            _found.Add(original, (new DeviceTag(DeviceTagKind.RootHash, root), tree.SuperBlock.DataLength));
        }
    }

    /// <summary>The tag that names an original by its root hash; null if it has no tree.</summary>
    public DeviceTag? Of(Original original) => _found.TryGetValue(original, out var found) ? found.Tag : null;

    /// <summary>The bytes of an original that its tree covers; null if it has no tree.</summary>
    public long? DataLengthOf(Original original) => _found.TryGetValue(original, out var found) ? found.DataLength : null;
}
