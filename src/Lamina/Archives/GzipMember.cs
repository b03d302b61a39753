using System.Buffers.Binary;
using System.IO.Hashing;
using Lamina.Compression;

namespace Lamina.Archives;

/// <summary>A member of gzip (RFC 1952): a head, DEFLATE, the CRC-32 and the length of what it decodes to.</summary>
/// <remarks>
/// Not the base library's stream: that does not say where a member ended, and takes anything behind it for its end.
/// </remarks>
internal sealed class GzipMember : PackedStream
{
    private const int HeadSize = 10, TailSize = 8, WindowSize = 512 << 10;
    private const int HasHeaderCheck = 2, HasExtra = 4, HasName = 8, HasComment = 16, Reserved = 0xE0;

    /// <summary>A name or comment in the head is no longer than this, in bytes: far more than any system takes.</summary>
    private const int MaxText = 64 << 10;

    private readonly PackedInput _input;
    private readonly StreamInflater _inflater = new();
    private readonly Window _window = new(WindowSize, StreamInflater.History);
    private readonly Crc32 _sum = new();
    private readonly long _start;
    private long _length;
    private bool _hasEnded;

    public GzipMember(PackedInput input)
    {
        _input = input;
        _start = input.Position;
        ReadHead();
    }

    public static ReadOnlySpan<byte> Magic => [0x1F, 0x8B, 8];

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Next()
    {
        if (_hasEnded)
            return [];
        _window.MakeRoom(WindowSize / 2);
        while (!_inflater.HasEnded && _window.End <= WindowSize - StreamInflater.MinOutput)
        {
            ReadOnlySpan<byte> bytes = _input.Peek(StreamInflater.MinInput + 1);
            int taken = 0, to = _window.End;
            string? fault = _inflater.Run(bytes, _input.IsLast, _window.Bytes, ref taken, ref to);
            if (fault is not null)
                throw taken >= bytes.Length && _input.IsLast ? _input.CutOff() : Fault(fault, _input.Position + taken);
            _input.Skip(taken);
            _window.End = to;
        }
        ReadOnlySpan<byte> run = _window.TakeNew();
        _sum.Append(run);
        _length += run.Length;
        if (_inflater.HasEnded)
            Finish();
        return run;
    }

    private void ReadHead()
    {
        ReadOnlySpan<byte> head = _input.Take(HeadSize);
        if (!head.StartsWith(Magic))
            throw Fault("does not begin with 1F 8B 08", _start);
        int flags = head[3];
        if ((flags & Reserved) != 0)
            throw Fault($"has flags {flags:X2}, of which some are not known", _start + 3);
        if ((flags & HasExtra) != 0)
            _input.SkipFar(BinaryPrimitives.ReadUInt16LittleEndian(_input.Take(sizeof(ushort))));
        for (int texts = (flags & HasName) / HasName + (flags & HasComment) / HasComment; texts > 0; texts--)
        {
            ReadOnlySpan<byte> text = _input.Peek(MaxText);
            int end = text.IndexOf((byte)0);
            if (end < 0)
                throw _input.IsLast ? _input.CutOff() : Fault($"has a name of more than {MaxText} bytes", _start);
            _input.Skip(end + 1);
        }
        if ((flags & HasHeaderCheck) != 0)
            _input.Take(sizeof(ushort));
    }

    private void Finish()
    {
        _hasEnded = true;
        long at = _input.Position;
        ReadOnlySpan<byte> tail = _input.Take(TailSize);
        uint sum = BinaryPrimitives.ReadUInt32LittleEndian(tail), length = BinaryPrimitives.ReadUInt32LittleEndian(tail[4..]);
        uint found = _sum.GetCurrentHashAsUInt32();
        if (sum != found)
            throw Fault($"decodes to bytes of CRC-32 {found:X8}, {sum:X8} was expected", at);
        if (length != (uint)_length)
            throw Fault($"decodes to {_length} bytes, {length} (modulo 2^32) were expected", at + 4);
    }

    private CorruptImageException Fault(string what, long at) =>
        _input.Corrupt($"the gzip member at byte {_start} {what}", at);
}
