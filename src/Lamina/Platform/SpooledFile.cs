using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>
/// Bytes that are made one after the other and then read anywhere, such as what a file decompresses to. They are kept in a file
/// without a name, which is gone when this is disposed.
/// </summary>
/// <param name="source">What they are made of: messages call them so, and no output may replace it.</param>
/// <param name="beside">A file beside which there is room; null for the folder of temporary files.</param>
/// <param name="reason">Why they are no file that anybody else could open: a verb and what follows.</param>
internal sealed class SpooledFile(ByteSource source, string? beside, string reason) : ByteSource
{
    private readonly string _beside = beside ?? Path.Combine(Path.GetTempPath(), "lamina");
    private readonly string _name = source.Name;
    private readonly FileIdentity? _identity = source.Identity;
    private OutputPlace? _place;
    private long _length;

    /// <inheritdoc/>
    public override string Name => _name;

    /// <inheritdoc/>
    public override long Length => _length;

    /// <summary>The length of what they are made of, in bytes.</summary>
    public long PackedLength { get; } = source.Length;

    /// <summary>What they were made with: the last word of the reason.</summary>
    public string Packing => reason[(reason.LastIndexOf(' ') + 1)..];

    /// <inheritdoc/>
    internal override SafeFileHandle Handle => Open();

    /// <inheritdoc/>
    internal override string WhyNoFile => reason;

    /// <inheritdoc/>
    internal override bool IsApart => true;

    /// <inheritdoc/>
    internal override FileIdentity? Identity => _identity;

    /// <inheritdoc/>
    internal override bool IsVolume => false;

    /// <summary>Adds bytes at the end; by one thread, before anything is read.</summary>
    /// <exception cref="IOException">There is no room for them.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(Open(), bytes, _length);
            _length += bytes.Length;
        }
        catch (IOException failure)
        {
            throw new IOException($"{_name}: it {reason}, and what it holds is kept in {HostFile.Parts(_beside).Folder}: " +
                failure.Message, failure.HResult);
        }
    }

    /// <inheritdoc/>
    public override int Read(long offset, Span<byte> destination)
    {
        int done = 0;
        while (done < destination.Length)
        {
            int count = RandomAccess.Read(Open(), destination[done..], offset + done);
            if (count == 0)
                break;
            done += count;
        }
        return done;
    }

    private SafeFileHandle Open() => (_place ??= OutputPlace.OpenAside(_beside)).Handle;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _place?.Dispose();
    }
}
