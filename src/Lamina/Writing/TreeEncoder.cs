using System.Diagnostics.CodeAnalysis;
using Lamina.Building;
using Lamina.Format;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>Gives the files of a tree content that was encoded for this output, written to it already.</summary>
internal sealed class TreeEncoder : IDisposable
{
    /// <summary>The block size that encoded data is made for, unless another one is asked for. In bytes.</summary>
    public const int BlockSize = 4096;

    /// <summary>
    /// A program that only refers to data that is there switches this off when it is published, and is smaller by all encoders.
    /// </summary>
    [FeatureSwitchDefinition("Lamina.Encoding")]
    internal static bool IsSupported => !AppContext.TryGetSwitch("Lamina.Encoding", out bool isOn) || isOn;

    private readonly SpoolOutput _tails;

    /// <summary>Encodes the files of a tree.</summary>
    /// <param name="inodes">The inodes that will be written.</param>
    /// <param name="options">How to write, and so how to encode.</param>
    /// <param name="shape">The output's blocks and kernel.</param>
    /// <param name="output">The output.</param>
    /// <param name="path">Its name.</param>
    /// <param name="start">Where data may begin in it.</param>
    public TreeEncoder(
        IReadOnlyList<PlannedInode> inodes, WriteOptions options, OutputShape shape, ImageOutput output, string path, long start)
    {
        EncodeOptions encoding = options.Encoding!;
        bool isPacked = encoding.Codec is not null && (encoding.IsPacked ?? shape.Kernel.HasSafeExtents);
        foreach (EncodeOptions used in encoding.Hints.Select(hint => hint.Apply(encoding)).Prepend(encoding))
            Check(used, shape, isPacked);
        output.SetLength(start);                        // from here on a device holds no image
        Area = new OwnArea(output, start, path);
        _tails = new SpoolOutput(path);
        try
        {
            EncodeShape form = new(encoding, 1 << shape.BlockBits, isPacked);
            OwnArea tails = new(_tails.Output, 0, path);
            Codecs = LimitsOf(form);
            List<(PlannedInode Inode, FileToEncode File)> files = FilesOf(inodes, form);
            long total = files.Sum(file => file.File.Size);
            ContentEncoder encoder = new(form, Area, tails, (name, map) => new EncodedSource(name, map))
            {
                Threads = options.ThreadCount,
                Cancellation = options.Cancellation,
                Progress = options.Counter(() => total),
            };
            encoder.Encode([.. files.Select(file => file.File)]);
            Summary = encoder.Summary;
            foreach ((PlannedInode inode, FileToEncode file) in files)
            {
                inode.Own = file.Encoded;
                inode.Data = null;
            }
            Area.Flush();
            tails.Flush();
        }
        catch
        {
            Dispose();
            throw;
        }
        Start = start;
    }

    /// <summary>The data, in the output.</summary>
    public OwnArea Area { get; }

    /// <summary>Where it begins in the output.</summary>
    public long Start { get; }

    /// <summary>What it came to.</summary>
    public EncodeSummary Summary { get; }

    /// <summary>What a decoder must be ready for.</summary>
    public CodecLimits Codecs { get; private set; }

    /// <inheritdoc/>
    public void Dispose() => _tails.Dispose();

    private static void Check(EncodeOptions options, OutputShape shape, bool isPacked)
    {
        if (options.Codec is not { } codec)
            return;
        if (!shape.Kernel.HasCodec((ClusterEncoding)codec))
        {
            throw new UnsupportedImageException("output", $"Linux {shape.Kernel.Version} does not read {codec} for sure",
                "Encode with lz4 or lz4hc, or name a newer kernel.");
        }
        if (isPacked && !shape.Kernel.HasExtents)
        {
            throw new UnsupportedImageException("output",
                $"Linux {shape.Kernel.Version} cannot read clusters that lie at any byte", "Name --kernel 7.2.");
        }
        if (1 << shape.BlockBits < 4096 && !shape.Kernel.HasSmallBlocks)
        {
            throw new UnsupportedImageException("output",
                $"Linux {shape.Kernel.Version} reads no compressed data in blocks of {1 << shape.BlockBits} bytes",
                "Leave out --block-size.");
        }
    }

    /// <summary>The files whose data is to be encoded, in the order of inodes.</summary>
    private List<(PlannedInode Inode, FileToEncode File)> FilesOf(IReadOnlyList<PlannedInode> inodes, EncodeShape shape)
    {
        Dictionary<PlannedInode, (PlannedInode Folder, ReadOnlyMemory<byte> Name)> places =
            new(ReferenceEqualityComparer.Instance);
        foreach (PlannedInode folder in inodes)
        {
            if (folder.Data is not PlannedDirectory { } names)
                continue;
            for (int i = 0; i < names.Entries.Length; i++)
                places.TryAdd(names.Children[i], (folder, names.Entries[i].Name));
        }
        Dictionary<string, int> ranks = [];
        foreach (byte[] path in shape.Options.First)
            ranks.TryAdd(Latin(path), ranks.Count);
        EncodeShape[] hinted = [.. shape.Options.Hints.Select(hint => shape with { Options = hint.Apply(shape.Options) })];
        List<(PlannedInode Inode, FileToEncode File)> files = [];
        foreach (PlannedInode inode in inodes)
        {
            if (inode.FileContent is not { Size: > 0 } content || (content is EncodedContent && !shape.Options.EncodesAll))
                continue;
            byte[]? path = ranks.Count + hinted.Length > 0 ? PathOf(inode, places) : null;
            int hint = path is null ? -1 : IndexOfHint(shape.Options.Hints, path);
            if (hint >= 0)
                Codecs = Codecs.Union(LimitsOf(hinted[hint]));
            files.Add((inode, new FileToEncode(content, () => PathOf(inode, places))
            {
                Shape = hint >= 0 ? hinted[hint] : null,
                Rank = path is not null && ranks.TryGetValue(Latin(path), out int rank) ? rank : int.MaxValue,
            }));
        }
        return files;
    }

    private static int IndexOfHint(IReadOnlyList<EncodeHint> hints, byte[] path)
    {
        for (int i = 0; i < hints.Count; i++)
        {
            if (hints[i].Suits(path))
                return i;
        }
        return -1;
    }

    /// <summary>Bytes as a key: each becomes one character.</summary>
    private static string Latin(byte[] path) => System.Text.Encoding.Latin1.GetString(path);

    private static byte[] PathOf(PlannedInode inode,
        Dictionary<PlannedInode, (PlannedInode Folder, ReadOnlyMemory<byte> Name)> places)
    {
        List<ReadOnlyMemory<byte>> parts = [];
        int length = 0;
        while (places.TryGetValue(inode, out (PlannedInode Folder, ReadOnlyMemory<byte> Name) place))
        {
            parts.Add(place.Name);
            length += place.Name.Length + 1;
            inode = place.Folder;
        }
        if (length == 0)
            return [];
        byte[] path = new byte[length - 1];
        int at = length;
        foreach (ReadOnlyMemory<byte> part in parts)
        {
            at -= part.Length + 1;
            part.Span.CopyTo(path.AsSpan(at));
            if (at > 0)
                path[at - 1] = (byte)'/';
        }
        return path;
    }

    private static CodecLimits LimitsOf(EncodeShape shape) => shape.Options.Codec switch
    {
        Compression.Codec.Lz4 => new CodecLimits(ushort.MaxValue, Math.Max(shape.Options.ClusterSize,
            shape.IsPacked ? shape.MaxCluster : 0), 0, 0, 0),
        Compression.Codec.Lzma => new CodecLimits(0, 0, (uint)shape.Window, 0, 0),
        Compression.Codec.Deflate => new CodecLimits(0, 0, 0, (byte)int.Log2(shape.Window), 0),
        Compression.Codec.Zstd => new CodecLimits(0, 0, 0, 0, (byte)(int.Log2(shape.Window) - 10)),
        _ => default,
    };
}
