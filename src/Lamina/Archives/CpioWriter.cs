using System.Text;
using Lamina.Platform;

namespace Lamina.Archives;

/// <summary>
/// Writes a newc archive. Every file belongs to root and has no time, so the same files give the same bytes. Bodies can begin
/// at page boundaries: the name in front is made longer by NULs, which no reader sees.
/// </summary>
internal sealed class CpioWriter(ImageOutput output, long start)
{
    /// <summary>What a loop device over a body wants it to be aligned to.</summary>
    public const int PageSize = 4096;

    private long _position = start;
    private uint _inode;

    /// <summary>The end of what was written.</summary>
    public long Position => _position;

    /// <summary>Adds a directory.</summary>
    public void AddDirectory(string name) =>
        WriteHead(name, new CpioHeader(0, CpioEntry.DirectoryType | 0x1ED, 2, 0, 0), isAligned: false);

    /// <summary>Adds a character device.</summary>
    public void AddCharacterDevice(string name, uint major, uint minor) => WriteHead(name,
        new CpioHeader(0, CpioEntry.CharacterDevice | 0x180, 1, 0, 0) { DeviceMajor = major, DeviceMinor = minor },
            isAligned: false);

    /// <summary>Adds a file whose data is in memory.</summary>
    public void AddFile(string name, ReadOnlySpan<byte> data, bool isExecutable = false)
    {
        uint mode = CpioEntry.RegularFile | (isExecutable ? 0x1EDu : 0x1A4u);
        WriteHead(name, new CpioHeader(0, mode, 1, checked((uint)data.Length), 0), isAligned: false);
        Write(data);
        Pad();
    }

    /// <summary>Adds a file, or the body of a FIFO that the kernel passes over, at a page boundary.</summary>
    /// <exception cref="UnsupportedImageException">The data is longer than a newc archive can say.</exception>
    public void AddPages(string name, ByteSource data, bool asFifo)
    {
        RefuseTooLong(data);
        uint mode = asFifo ? CpioEntry.FifoType | 0x180u : CpioEntry.RegularFile | 0x180u;
        WriteHead(name, new CpioHeader(0, mode, 1, (uint)data.Length, 0), isAligned: true);
        foreach ((ByteSource part, long length) in data is JoinedSource joined ? joined.Parts : [(data, data.Length)])
        {
            output.CopyFrom(part, 0, _position, length);
            _position += length;
        }
        Pad();
    }

    /// <summary>Refuses what is longer than an entry can say.</summary>
    /// <exception cref="UnsupportedImageException">It is.</exception>
    public static void RefuseTooLong(ByteSource data)
    {
        if (data.Length > uint.MaxValue)
        {
            throw new UnsupportedImageException(data.Name,
                $"{data.Length} bytes; a file in a cpio archive has 4 GiB less one byte at most",
                "Split it into several layers.");
        }
    }

    /// <summary>Ends the archive, at a page boundary: another one can follow at once.</summary>
    public void Finish()
    {
        _inode = uint.MaxValue;
        WriteHead(CpioHeader.Trailer, new CpioHeader(0, 0, 1, 0, 0), isAligned: false);
        _position = (_position + PageSize - 1) & ~(PageSize - 1L);
        output.SetLength(_position);
    }

    private void WriteHead(string name, CpioHeader header, bool isAligned)
    {
        int length = Encoding.UTF8.GetByteCount(name) + 1;
        int size = isAligned ? PaddedSize(length) : length;
        if (size > CpioHeader.MaxNameSize && isAligned)
        {
            // So many NULs would make the name too long for the kernel. A short entry moves this one on; a directory may come
            // twice.
            AddDirectory(Path.GetDirectoryName(name)!);
            WriteHead(name, header, isAligned);
            return;
        }
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, CpioHeader.MaxNameSize);
        byte[] head = new byte[CpioHeader.Size + size];
        (header with { Inode = ++_inode, NameSize = (uint)size }).WriteTo(head);
        Encoding.UTF8.GetBytes(name, head.AsSpan(CpioHeader.Size));
        Write(head);
        Pad();
    }

    /// <summary>The size of a name, this long without padding, behind which the body lies at a page boundary.</summary>
    private int PaddedSize(int length)
    {
        long shortest = _position + CpioHeader.Size + length;
        long body = (shortest + PageSize - 1) & ~(PageSize - 1L);
        return (int)(body - _position - CpioHeader.Size);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        output.Write(bytes, _position);
        _position += bytes.Length;
    }

    private void Pad()
    {
        int zeros = (int)(-_position & (CpioHeader.Alignment - 1));
        if (zeros > 0)
            Write(stackalloc byte[zeros]);
    }
}
