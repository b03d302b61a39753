using System.Security.Cryptography;
using Lamina.Layers;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Containers;

/// <summary>The files of an image: a directory, or an archive of one.</summary>
internal abstract class BlobStore : IDisposable
{
    /// <summary>What messages call it.</summary>
    public abstract string Name { get; }

    /// <summary>Opens a file; null if it is not there.</summary>
    public abstract ByteSource? Open(string path);

    /// <summary>Files that stay open as long as what was opened is read.</summary>
    public virtual ByteSource? Shared => null;

    /// <summary>Opens a directory.</summary>
    public static BlobStore OfDirectory(string path) => new DirectoryStore(path);

    /// <summary>Takes an archive that was read; it owns it.</summary>
    public static BlobStore OfArchive(Layer archive) => new ArchiveStore(archive);

    /// <summary>Opens a blob and compares its length with what is expected.</summary>
    /// <exception cref="CorruptImageException">It is not there, or longer or shorter.</exception>
    public ByteSource Open(Descriptor descriptor)
    {
        ByteSource source = Open(descriptor.Digest.Path)
            ?? throw new CorruptImageException(Name, $"has no blob {descriptor.Digest}, which it refers to");
        if (source.Length == descriptor.Size)
            return source;
        using (source)
        {
            throw new CorruptImageException(source.Name, $"has {source.Length} bytes, {descriptor.Size} were expected");
        }
    }

    /// <summary>Reads a small blob and verifies it.</summary>
    public byte[] Read(Descriptor descriptor, int most)
    {
        if (descriptor.Size > most)
        {
            throw new UnsupportedImageException(Name,
                $"the blob {descriptor.Digest} has {descriptor.Size} bytes, {most} is the most for one of its kind");
        }
        using ByteSource source = Open(descriptor);
        byte[] bytes = new byte[source.Length];
        source.ReadExactly(0, bytes);
        using IncrementalHash hash = descriptor.Digest.Begin();
        hash.AppendData(bytes);
        descriptor.Digest.Verify(hash, source.Name, "has the digest");
        return bytes;
    }

    /// <summary>Reads a small file; null if it is not there.</summary>
    public byte[]? Read(string path, int most)
    {
        using ByteSource? source = Open(path);
        if (source is null)
            return null;
        if (source.Length > most)
        {
            throw new UnsupportedImageException(source.Name,
                $"has {source.Length} bytes, {most} is the most for one of its kind");
        }
        byte[] bytes = new byte[source.Length];
        source.ReadExactly(0, bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }

    private sealed class DirectoryStore(string folder) : BlobStore
    {
        public override string Name => folder;

        public override ByteSource? Open(string path)
        {
            string file = $"{folder.TrimEnd('/')}/{path}";
            return HostFile.Exists(file) ? ByteSource.OpenFile(file) : null;
        }
    }

    private sealed class ArchiveStore(Layer archive) : BlobStore
    {
        public override string Name => archive.Name;

        public override ByteSource? Shared => archive.Sources.First();

        public override ByteSource? Open(string path)
        {
            Node? node;
            try
            {
                node = archive.Root.Find(path, followLinks: true);      // docker save makes links of layers that are the same
            }
            catch (IOException)
            {
                throw new CorruptImageException(Name, $"{path} is a link that leads nowhere");
            }
            if (node is not { Type: NodeType.RegularFile })
                return null;
            if (node.Content is not PlacedContent { Extents: [{ Logical: 0 } only] } content || only.Length != content.Size)
                return node.Size == 0 ? ByteSource.FromMemory($"{Name}:{path}", default) : null;
            return ByteSource.Member(only.Original.Bytes, $"{Name}:{path}", only.Offset, only.Length);
        }

        public override void Dispose() => archive.Dispose();
    }
}
