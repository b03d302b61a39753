namespace Lamina.Exporting;

/// <summary>Writes the data of a file that is new, so that zeros need not be written.</summary>
internal unsafe struct FileSink(ExtractTarget target, int file, ItemPath path) : IDataSink
{
    /// <summary>
    /// Zeros are left out in units of this many bytes, at multiples of it: smaller holes save little, and scatter a file.
    /// </summary>
    private const int HoleUnit = 16 << 10;

    /// <summary>The byte behind the last one written.</summary>
    public long End { get; private set; }

    public void Take(long offset, ReadOnlySpan<byte> bytes)
    {
        int start = 0;                                                  // of the data that is still to be written
        int at = 0;
        while (at < bytes.Length)
        {
            int unit = (int)Math.Min(HoleUnit - ((offset + at) & (HoleUnit - 1)), bytes.Length - at);
            if (!bytes.Slice(at, unit).ContainsAnyExcept((byte)0))
            {
                Write(offset + start, bytes[start..at]);
                start = at + unit;
            }
            at += unit;
        }
        Write(offset + start, bytes[start..]);
        target.Advance(bytes.Length);
    }

    private void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint count;
            fixed (byte* pointer = bytes)
                count = HostCalls.Write(file, pointer, bytes.Length, offset);
            if (count <= 0)
                throw HostError.Failure($"{target.Path}{path}: cannot be written");
            bytes = bytes[(int)count..];
            offset += count;
            End = Math.Max(End, offset);
        }
    }
}
