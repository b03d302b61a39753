using System.Security.Cryptography;
using Lamina.Images;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Generators;

/// <summary>Layers that announce fingerprints of files, as mkfs.erofs --xattr-inode-digest makes them.</summary>
internal static class SharingLayers
{
    internal const string Name = "user.digest";

    /// <summary>mkfs.erofs takes this one where it is given none: it is in no namespace, so nobody sees it.</summary>
    internal const string Unseen = "erofs.fingerprint.v1";

    /// <summary>An image with fingerprints of all its files.</summary>
    internal static ImageFile Of(string name, params (string Path, byte[] Data)[] files)
    {
        Entry[] entries =
            [.. files.Select(file => new Entry(Exporting.Trees.Bytes(file.Path), File(name, file.Data, file.Data)))];
        return Announcing(name, Exporting.Trees.Root(entries));
    }

    /// <summary>A file with the fingerprint of some data.</summary>
    internal static Node File(string name, byte[] data, byte[] claimed)
    {
        byte[] value = [.. "sha256:"u8, .. SHA256.HashData(claimed)];
        Node file = Exporting.Trees.FileNode(new BytesContent(data));
        XattrSet xattrs = name == Unseen ? XattrSet.Create([], value)
            : XattrSet.Create([new Xattr(Exporting.Trees.Bytes(name), value)]);
        return file.With(xattrs, file.Payload);
    }

    /// <summary>An image of a tree that announces fingerprints.</summary>
    internal static ImageFile Announcing(string name, Node root)
    {
        using Layer layer = new()
        {
            Name = "tree",
            Root = root,
            Rules = WhiteoutRules.Overlay,
            Originals = [],
            BlockSize = 4096,
            FingerprintName = Exporting.Trees.Bytes(name),
        };
        string path = Scratch.NewPath("layer.erofs");
        ImageWriter.Write(root, [layer], path, TestImages.Full with { BlockSize = 4096 });
        return new ImageFile(path, []);
    }
}
