using System.Buffers.Binary;
using System.Formats.Tar;
using Lamina.Format;
using Lamina.Images;
using Lamina.Trust;
using Lamina.Writing;
using ZstdSharp;

namespace Lamina.Fuzz;

/// <summary>A sound image or tar to be changed.</summary>
/// <param name="Name">Its name in the corpus.</param>
/// <param name="Bytes">The file.</param>
/// <param name="Devices">What else it needs.</param>
/// <param name="Places">Its structures.</param>
internal sealed record Subject(string Name, byte[] Bytes, byte[][] Devices, Place[] Places)
{
    public bool IsTar => Name.EndsWith(".tar", StringComparison.Ordinal);

    /// <summary>Its structures, kind by kind.</summary>
    public Place[][] Kinds { get; } = [.. Places.GroupBy(place => place.Kind).OrderBy(group => group.Key)
        .Select(group => group.ToArray())];

    /// <summary>
    /// Reads all images and tars of the corpus, and merges some to what mkfs.erofs does not write; those of few bytes first. The
    /// base layers are left out: the other two have the same layouts.
    /// </summary>
    /// <param name="archive">The corpus.</param>
    /// <param name="folder">Where images can be merged; empty afterwards.</param>
    public static Subject[] ReadCorpus(string archive, string folder)
    {
        Dictionary<string, byte[]> files = [];
        using FileStream file = File.OpenRead(archive);
        using DecompressionStream stream = new(file);
        using TarReader reader = new(stream);
        while (reader.GetNextEntry() is { } entry)
        {
            if (entry.DataStream is null)
                continue;
            using MemoryStream bytes = new();
            entry.DataStream.CopyTo(bytes);
            files.Add(Path.GetFileName(entry.Name), bytes.ToArray());
        }
        return [.. files.Keys.Where(name => !name.StartsWith("layer-base", StringComparison.Ordinal))
            .Where(name => name.EndsWith(".erofs", StringComparison.Ordinal) || name.EndsWith(".tar", StringComparison.Ordinal))
            .Select(Of).Concat(Merged(files, folder)).OrderBy(subject => subject.Bytes.Length)
            .ThenBy(subject => subject.Name, StringComparer.Ordinal)];

        Subject Of(string name)
        {
            byte[] bytes = files[name];
            byte[][] devices = name switch
            {
                "blob.erofs" => [files["blob.dev"]],
                "tar-index.erofs" => [files["main.tar"]],
                _ => [],
            };
            bool isTar = name.EndsWith(".tar", StringComparison.Ordinal);
            return new Subject(name, bytes, devices, isTar ? Fuzz.Places.OfTar(bytes) : Fuzz.Places.OfImage(bytes, devices));
        }
    }

    /// <summary>
    /// Images of our own: flat and full ones, which have a layer record, of images and tars, with a dm-verity tree behind them
    /// and without.
    /// </summary>
    private static List<Subject> Merged(Dictionary<string, byte[]> files, string folder)
    {
        const string config = "layer-config-lz4hc.erofs", app = "layer-app-zstd-frag.erofs", tar = "config.tar";
        Directory.CreateDirectory(folder);
        VerityOptions tree = new() { Salt = "fuzz"u8.ToArray() };
        List<Subject> merged =
        [
            Merge("merged-flat.erofs", new WriteOptions(), config, app),
            Merge("merged-flat-tree.erofs", new WriteOptions { Verity = tree }, app, config),
            Merge("merged-tar-tree.erofs", new WriteOptions { Verity = tree }, tar),
            Merge("merged-tar-615.erofs", new WriteOptions { Kernel = KernelProfile.Linux615 }, config, tar),
            Merge("merged-full-512.erofs", new WriteOptions { Mode = OutputMode.Full, BlockSize = 512 }, config, tar),
            Merge("merged-full-61-tree.erofs",
                new WriteOptions { Mode = OutputMode.Full, Kernel = KernelProfile.Linux61, Verity = tree }, config, tar),
        ];
        return merged;

        Subject Merge(string name, WriteOptions options, params string[] layers)
        {
            string[] paths = [.. layers.Select(layer => Path.Combine(folder, layer))];
            for (int i = 0; i < paths.Length; i++)
                File.WriteAllBytes(paths[i], files[layers[i]]);
            string output = Path.Combine(folder, name);
            MergedImage.Create(paths, output, options);
            byte[] bytes = File.ReadAllBytes(output);
            foreach (string path in paths.Append(output))
                File.Delete(path);
            return new Subject(name, bytes, [], Fuzz.Places.OfImage(bytes, []));
        }
    }

    /// <summary>
    /// Computes a superblock's checksum anew, after a change. What is no superblock stays as it is.
    /// </summary>
    public static void Sum(byte[] image)
    {
        if (image.Length < SuperBlock.Offset + SuperBlock.BaseSize)
            return;
        Span<byte> superBlock = image.AsSpan(SuperBlock.Offset);
        int bits = superBlock[12];
        bool isSummed = (BinaryPrimitives.ReadUInt32LittleEndian(superBlock[8..]) & 1) != 0;
        if (bits is < SuperBlock.MinBlockBits or > SuperBlock.MaxBlockBits || !isSummed)
            return;
        int length = SuperBlock.ChecksummedLength(1 << bits);
        if (length <= superBlock.Length)
            SuperBlock.WriteChecksum(superBlock[..length]);
    }
}
