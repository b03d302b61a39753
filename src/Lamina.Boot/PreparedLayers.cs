using Lamina.Images;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Boot;

/// <summary>
/// The layers of an archive as a boot can mount them: EROFS images as they are, everything else built into one first. What is
/// built is kept beside the output in files without a name, so nothing is left of it whatever happens.
/// </summary>
/// <param name="output">The archive that is going to be written.</param>
/// <param name="writing">How layers are built.</param>
internal sealed class PreparedLayers(string output, WriteOptions writing) : IDisposable
{
    private readonly List<InitrdLayer> _layers = [];
    private readonly List<SpooledFile> _built = [];
    private readonly List<string> _warnings = [];

    private WriteOptions Writing => writing with
    {
        Mode = OutputMode.Full,
        ComputeDigests = false,
        SpoolBeside = output,
    };

    /// <summary>The layers, lowest first.</summary>
    public IReadOnlyList<InitrdLayer> Layers => _layers;

    /// <summary>How many of them were built.</summary>
    public int BuiltCount => _built.Count;

    /// <summary>What is odd about what they were built of.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Adds what a name stands for; a container image becomes one layer.</summary>
    /// <param name="specification">An EROFS image, or anything that can be merged.</param>
    /// <param name="reading">How sources become layers.</param>
    /// <param name="isUpper">Whether layers lie below it, so that what it hides there must stay marked.</param>
    /// <param name="isOptional">Whether a boot may go on without it.</param>
    public void Add(string specification, LayerOptions reading, bool isUpper, bool isOptional)
    {
        if (IsPlainImage(specification))
        {
            _layers.Add(new InitrdLayer(specification) { IsOptional = isOptional });
            return;
        }
        SpooledFile built = Spool(specification);
        WriteResult result = MergedImage.Create([specification], new SpoolStream(built), specification, Writing,
            new MergeOptions { KeepWhiteouts = isUpper },
            reading with { SpoolBeside = output, Output = FileIdentity.Of(output) });
        _warnings.AddRange(result.Warnings);
        Add(specification, LabelOf(specification), built, isOptional);
    }

    /// <summary>Adds a tree.</summary>
    /// <param name="path">The file that it comes from.</param>
    /// <param name="part">The tree, with its name.</param>
    /// <param name="layer">The layer that it is part of.</param>
    public void Add(string path, TreePart part, Layer layer)
    {
        SpooledFile built = Spool(path);
        WriteResult result = ImageWriter.Write(part.Root, [layer], new SpoolStream(built), path, Writing);
        _warnings.AddRange(result.Warnings.Where(warning => !warning.EndsWith(layer.Warning ?? "\0", StringComparison.Ordinal)));
        Add(path, $"{part.Name}.erofs", built, isOptional: false);
    }

    private void Add(string path, string label, SpooledFile built, bool isOptional) =>
        _layers.Add(new InitrdLayer(path) { Label = label, Bytes = built, IsOptional = isOptional });

    private SpooledFile Spool(string name)
    {
        _built.Add(new SpooledFile(ByteSource.FromMemory(name, default), output, "was built into an image"));
        return _built[^1];
    }

    /// <summary>Whether a name is that of an image which can go into an archive as it is: without devices, and no disk.</summary>
    private static bool IsPlainImage(string specification)
    {
        if (LayerOpener.Split(specification) is not [{ } path]
            || FileStatus.Find(path) is not { Type: FileStatus.RegularFile or FileStatus.BlockDevice })
        {
            return false;
        }
        using ByteSource source = ByteSource.OpenFile(path);
        return ErofsImage.IsErofs(source) && DiskPartitions.FindImage(source) is null;
    }

    /// <summary>What a layer is called that was built of something: its name, without what says how that was packed.</summary>
    internal static string LabelOf(string specification)
    {
        string[] packings = [".gz", ".xz", ".zst", ".bz2", ".lz4", ".lzma", ".tgz", ".tar", ".cpio", ".img", ".raw", ".oci"];
        string name = Path.GetFileName(specification.TrimEnd('/'));
        while (Array.Find(packings, end => name.Length > end.Length && name.EndsWith(end, StringComparison.Ordinal)) is { } end)
            name = name[..^end.Length];
        name = string.Concat(PathBytes.ToText(name).Select(c => c is ':' or ',' or '\n' or '@' ? '-' : c)).TrimStart('.', '-');
        return $"{(name.Length == 0 ? "layer" : name)}.erofs";
    }

    /// <inheritdoc/>
    public void Dispose() => _built.ForEach(file => file.Dispose());

    /// <summary>Writes into a file without a name, front to back.</summary>
    private sealed class SpoolStream(SpooledFile file) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => file.Length;

        public override long Position
        {
            get => file.Length;
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer) => file.Append(buffer);

        public override void Write(byte[] buffer, int offset, int count) => file.Append(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
