using System.Buffers.Binary;
using System.Formats.Tar;
using Lamina.Format;
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
    /// Reads all images and tars of the corpus, those of few bytes first. The base layers are left out: the other two have the
    /// same layouts.
    /// </summary>
    public static Subject[] ReadCorpus(string archive)
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
            .Select(Of).OrderBy(subject => subject.Bytes.Length).ThenBy(subject => subject.Name, StringComparer.Ordinal)];

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
