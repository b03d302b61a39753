using Lamina.Format;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Trust;
using Lamina.Writing;

namespace Lamina.Images;

/// <summary>
/// A flat image as a thing to append to and to take apart: the page in front, and the record of what is inside.
/// </summary>
internal static class FlatImage
{
    /// <summary>Appends layers to an image in its place.</summary>
    /// <param name="path">The image.</param>
    /// <param name="layers">The layers to put on top, lowest first.</param>
    /// <param name="writing">How to write.</param>
    /// <param name="merging">How to merge.</param>
    /// <param name="openOutput">Makes the output over the file, which is open and locked.</param>
    /// <remarks>
    /// All new bytes go behind the old image and to the medium; then one page, the first, is written. Whatever stops this in
    /// between, the file is the old image or the new one.
    /// </remarks>
    public static WriteResult Append(
        string path, IReadOnlyList<Layer> layers, WriteOptions writing, MergeOptions? merging,
        Func<ChangedFile, Action<long>?, ImageOutput> openOutput)
    {
        if (writing.Mode != OutputMode.Flat || writing.VmdkPath is not null)
            throw new ArgumentException("appending makes flat images only");
        using ChangedFile locked = ChangedFile.Open(path);              // before anything is read
        InputFiles inputs = new();
        foreach (ByteSource source in layers.SelectMany(layer => layer.Sources))
            inputs.Add(source);
        inputs.Refuse(path);
        const string advice = "Make a flat image first: lamina merge LAYER... -o FLAT";
        using ErofsImage image = Open(path, advice);
        if (image.Primary.Bytes.WhyNoFile is { } reason)
            throw new UnsupportedImageException(path, $"{reason}; nothing can be appended to that",
                "Append to the image itself.");
        Layer flat = ErofsLayer.Open(image);                            // its files are the image's
        AppendBase appendBase = ReadBase(image, flat, advice);
        if (appendBase.HasTree && writing.Verity is null)
        {
            throw new UnsupportedImageException(path, "has a dm-verity tree, which would not cover what is appended",
                "Append with --verity: the image gets a new tree, and with it a new root hash.");
        }
        using LayoutPlanner planner = new(Merger.Merge([flat, .. layers], merging), layers, writing, appendBase);
        ImageLayout layout = planner.Layout;
        long before = image.Primary.Length;
        using ImageOutput output = openOutput(locked, writing.Counter(() => layout.WrittenLength));
        LayoutWriter writer = new(layout, output, path);
        try
        {
            VerityInfo? verity = writer.Write(writing.Verity, writing.ThreadCount);
            output.Flush();
            return planner.Result(path, layout.Length) with { Verity = verity };
        }
        catch when (!writer.HasBegunHeader)
        {
            // The header is written last, so the old image is still there; only what was put behind it goes. Once the header is
            // begun, what it leads to must stay.
            output.SetLength(before);
            throw;
        }
    }

    /// <summary>Gives the originals back as files, and the image as it was before each append.</summary>
    public static IReadOnlyList<string> Split(string path, string directory, bool overwrites, WorkOptions? work = null)
    {
        if (directory.Length == 0)
            throw new ArgumentException("a directory needs a name");
        if (HostFile.Exists(directory))
            throw new IOException($"{directory}: is no directory; the layers can only be put into one");
        string file = ShellText.Quote(LayerOpener.Split(path)[0]);
        using ErofsImage image = Open(path, $"They are where they were; their names: lamina inspect {file}");
        LayerRecord record = ReadRecord(image, "Only a flat image by lamina merge has its layers in it.");
        if (record.Originals.Length == 0)
        {
            throw new UnsupportedImageException(image.Name, "is a full image: it has copies of what is used of its layers, not " +
                "the layers", "Its tree can be had with: lamina extract, or lamina export.");
        }
        ByteSource bytes = image.Primary.Bytes;
        InputFiles inputs = new InputFiles().Add(bytes);
        HashSet<string> names = [];
        // Each layer is copied, and read once more for its digest.
        long total = record.Originals.Sum(original => 2 * original.Length) + record.History.Sum(former => former.Length);
        Action<long>? count = work?.Counter(() => total);
        using OutputSet outputs = new();
        outputs.MakeFolder(directory);
        foreach (RecordedOriginal original in record.Originals)
        {
            string name = UniqueName(SafeName(original.Name.Span), names);
            Segment whole = new(0, original.Length, bytes, original.Start);
            Write(name, new ImageLayout { Length = original.Length, Body = [whole] });
            CheckDigest(bytes, original, image.Name, name, count);
        }
        for (int i = 0; i < record.History.Length; i++)
        {
            RecordedState former = record.History[i];
            int head = former.Header.Length;
            Write(UniqueName($"before-append-{i + 1}.erofs", names), new ImageLayout
            {
                Length = former.Length,
                Body = [new Segment(head, former.Length - head, bytes, head)],
                Header = new Segment(0, head, ByteSource.FromMemory(image.Name, former.Header)),
            });
        }
        return outputs.Commit();

        void Write(string name, ImageLayout layout)
        {
            string target = Path.Combine(directory, name);
            OutputFile output = outputs.Add(target, () => new OutputFile(target, overwrites, inputs, progress: count));
            new LayoutWriter(layout, output, target).Write();
        }
    }

    /// <summary>Opens an image that needs no other files.</summary>
    /// <exception cref="UnsupportedImageException">It is an index; its devices are not asked for.</exception>
    private static ErofsImage Open(string path, string adviceForIndex)
    {
        string[] parts = LayerOpener.Split(path);
        ByteSource source = ByteSource.OpenFile(parts[0]);
        try
        {
            return ErofsImage.ReadSuperBlock(DiskPartitions.ImageOf(source)).ExtraDevices == 0
                ? ErofsImage.Open(source, (IReadOnlyList<string>)parts[1..])
                : throw new UnsupportedImageException(source.Name, "is an index: its layers are other files", adviceForIndex);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private static AppendBase ReadBase(ErofsImage image, Layer layer, string advice)
    {
        LayerRecord record = ReadRecord(image, advice);
        byte[] header = new byte[HeaderWriter.PageSize];
        image.Primary.Bytes.ReadExactly(0, header);
        // A tree belongs to the old image: as long as that counts, it must stay.
        var tree = AppendedTree.Find(image.Primary.Bytes);
        long length = tree is { } found ? found.Offset + found.SuperBlock.Length : EndOf(image);
        return new AppendBase(layer, (length + HeaderWriter.PageSize - 1) & ~(HeaderWriter.PageSize - 1L), record, header,
            image.SuperBlock.Label.ToArray(), tree is not null);
    }

    /// <summary>What is inside, as the image records it; all of it lies within.</summary>
    private static LayerRecord ReadRecord(ErofsImage image, string advice)
    {
        long end = EndOf(image);
        LayerRecord record = LayerRecordReader.Read(image.Primary.Bytes, end) ??
            throw new UnsupportedImageException(image.Name, "was not written by lamina: it has no layer record", advice);
        foreach (RecordedOriginal original in record.Originals)
        {
            if (original.Start < HeaderWriter.PageSize || original.Length < 0 || original.Start > end - original.Length)
                throw new CorruptImageException(image.Name, $"an original of {original.Length} bytes lies outside the image",
                    null, original.Start);
        }
        foreach (RecordedState state in record.History)
        {
            if (state.Length < HeaderWriter.PageSize || state.Length > end || state.Header.Length != HeaderWriter.PageSize)
                throw new CorruptImageException(image.Name, $"a former state of {state.Length} bytes is not possible");
        }
        return record;
    }

    private static long EndOf(ErofsImage image) => (long)image.SuperBlock.Blocks << image.SuperBlock.BlockBits;

    private static void CheckDigest(
        ByteSource bytes, RecordedOriginal original, string image, string name, Action<long>? progress)
    {
        if (original.Digest.IsEmpty)
            return;
        byte[] found = ContentDigest.Compute(ByteSource.Slice(bytes, name, original.Start, original.Length), original.Length,
            count => progress?.Invoke(count));
        if (!found.AsSpan().SequenceEqual(original.Digest.Span))
        {
            throw new CorruptImageException(image, $"{name} has SHA-256 {Convert.ToHexStringLower(found)}, " +
                $"{Convert.ToHexStringLower(original.Digest.Span)} was recorded", null, original.Start);
        }
    }

    /// <summary>A name that stays in its folder, whatever the record says.</summary>
    private static string SafeName(ReadOnlySpan<byte> name)
    {
        string text = PathBytes.Decode(name).Replace('/', '_').Replace('\\', '_').Replace('\0', '_');
        return text is "" or "." or ".." ? "original" : text;
    }

    private static string UniqueName(string name, HashSet<string> names)
    {
        string unique = name;
        for (int i = 2; !names.Add(unique); i++)
            unique = $"{Path.GetFileNameWithoutExtension(name)}-{i}{Path.GetExtension(name)}";
        return unique;
    }
}
