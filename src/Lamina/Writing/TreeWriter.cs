using Lamina.Platform;
using Lamina.Reading;
using Lamina.Trust;

namespace Lamina.Writing;

/// <summary>
/// Puts a dm-verity tree behind an image while that is being written: what is in the file already is hashed by other threads.
/// Only the header is not there when the tree is finished, as it is what makes the image one.
/// </summary>
internal sealed class TreeWriter : IDisposable
{
    private readonly ImageOutput _output;
    private readonly VeritySuperBlock _planned;
    private readonly MerkleBuilder _builder;
    private readonly long _start;
    private bool _isFinished;

    /// <summary>Begins.</summary>
    /// <param name="output">Where the image is written.</param>
    /// <param name="path">Its name, for messages.</param>
    /// <param name="length">The image's length, in bytes; the tree comes behind.</param>
    /// <param name="options">How the tree is made.</param>
    /// <param name="threads">How many threads hash.</param>
    /// <param name="there">How many bytes from the start the output has already: those of an image that is appended to.</param>
    public TreeWriter(ImageOutput output, string path, long length, VerityOptions options, long there, int threads)
    {
        _output = output;
        _planned = VerityTree.Plan(options, length);
        _start = AppendedTree.OffsetFor(length, options.BlockSize);
        _builder = new MerkleBuilder(output.ReadBack(path), length, _planned.Parameters,
            (block, position) => output.WriteAside(block, _start + _planned.TreeOffset + position), threads);
        output.Wrote = _builder.Written;
        if (there > 0)
            _builder.Written(0, there);
    }

    /// <summary>Bytes of the tree with its superblock.</summary>
    public long Length => _planned.Length;

    /// <summary>Writes what is left of the tree.</summary>
    /// <param name="header">The first bytes of the image, which are not in the file yet.</param>
    public VerityInfo Finish(ReadOnlyMemory<byte> header)
    {
        _output.Wrote = null;
        _isFinished = true;
        byte[] root = _builder.Finish(header);
        VeritySuperBlock superBlock = VerityTree.Name(_planned, root);
        byte[] bytes = new byte[superBlock.TreeOffset];
        superBlock.WriteTo(bytes);
        _output.WriteAside(bytes, _start);
        return new VerityInfo(superBlock, root, _start);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isFinished)
            return;
        _output.Wrote = null;
        _builder.Abandon();
    }
}
