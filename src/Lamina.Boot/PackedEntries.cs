using System.Text;
using Lamina.Archives;

namespace Lamina.Boot;

/// <summary>An entry of a compressed archive: nothing of its body is kept.</summary>
/// <param name="Name">The name.</param>
/// <param name="Mode">Type and permissions.</param>
/// <param name="BodySize">The body's length in bytes.</param>
internal sealed record PackedEntry(string Name, uint Mode, long BodySize);

/// <summary>Reads the headers of archives while they are decompressed, run by run.</summary>
internal sealed class PackedEntries(Action<PackedEntry> take)
{
    private readonly byte[] _head = new byte[CpioHeader.Size + CpioHeader.MaxNameSize];
    private int _count, _wanted = CpioHeader.Size;
    private long _position, _skip;

    /// <summary>Reads all archives in a compressed stream. Gives the byte behind it.</summary>
    /// <exception cref="CorruptImageException">It is damaged or cut off.</exception>
    public static long Read(ByteSource source, long at, string kind, Action<PackedEntry> take)
    {
        PackedInput input = new(source, at);
        PackedEntries entries = new(take);
        using PackedStream stream = Packed.Open(input, kind);
        bool isArchive = true;
        for (ReadOnlySpan<byte> run; !(run = stream.Next()).IsEmpty;)
            isArchive = isArchive && entries.Add(run);
        return input.Position;
    }

    /// <summary>Takes a run; false from the first bytes on that are no archive.</summary>
    private bool Add(ReadOnlySpan<byte> run)
    {
        while (!run.IsEmpty)
        {
            if (_skip > 0)
            {
                int passed = (int)Math.Min(_skip, run.Length);
                Advance(ref run, passed);
                _skip -= passed;
            }
            else if (_count == 0 && run[0] == 0)
            {
                int zeros = run.IndexOfAnyExcept((byte)0);
                Advance(ref run, zeros < 0 ? run.Length : zeros);
            }
            else
            {
                int part = Math.Min(_wanted - _count, run.Length);
                run[..part].CopyTo(_head.AsSpan(_count));
                _count += part;
                Advance(ref run, part);
                if (_count == _wanted && !Take())
                    return false;
            }
        }
        return true;
    }

    private bool Take()
    {
        if (!CpioHeader.HasMagic(_head) || !CpioHeader.TryParse(_head, out CpioHeader header)
            || header.NameSize is 0 or > CpioHeader.MaxNameSize)
        {
            return false;
        }
        if (_count == CpioHeader.Size)
        {
            _wanted += (int)header.NameSize;
            return true;
        }
        ReadOnlySpan<byte> name = _head.AsSpan(CpioHeader.Size, (int)header.NameSize);
        int end = name.IndexOf((byte)0);
        string text = Encoding.UTF8.GetString(end < 0 ? name : name[..end]);
        if (text != CpioHeader.Trailer)
            take(new PackedEntry(text, header.Mode, header.BodySize));
        long body = Align(_position);
        _skip = Align(body + header.BodySize) - _position;
        (_count, _wanted) = (0, CpioHeader.Size);
        return true;
    }

    private void Advance(ref ReadOnlySpan<byte> run, int count)
    {
        run = run[count..];
        _position += count;
    }

    private static long Align(long position) => (position + CpioHeader.Alignment - 1) & -CpioHeader.Alignment;
}
