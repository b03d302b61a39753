using System.Buffers.Binary;
using System.Text;

namespace Lamina.Boot;

/// <summary>Whether a kernel could start a file in an archive that has nothing besides it.</summary>
internal static class ProgramCheck
{
    private const int HeaderSize = 64, EntriesAt = 32, EntrySizeAt = 54, EntryCountAt = 56;
    private const int EntrySize = 56, OffsetAt = 8, LengthAt = 32;
    private const uint Interpreter = 3;

    /// <summary>Says what is in the way; null if nothing is.</summary>
    public static string? FindFault(ReadOnlySpan<byte> program)
    {
        if (program.StartsWith("#!"u8))
        {
            int end = program.IndexOf((byte)'\n');
            string line = Encoding.UTF8.GetString(program[2..(end < 0 ? program.Length : end)]).Trim();
            return $"is a script for {line.Split(' ')[0]}, which the archive has not";
        }
        if (!program.StartsWith("\u007fELF"u8) || program.Length < HeaderSize)
            return "is no program that a kernel could start";
        ulong at = BinaryPrimitives.ReadUInt64LittleEndian(program[EntriesAt..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(program[EntryCountAt..]);
        if (BinaryPrimitives.ReadUInt16LittleEndian(program[EntrySizeAt..]) != EntrySize ||
            at > (ulong)program.Length || (ulong)(count * EntrySize) > (ulong)program.Length - at)
        {
            return "is no program of the 64-bit kind, or cut off";
        }
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = program.Slice((int)at + i * EntrySize, EntrySize);
            if (BinaryPrimitives.ReadUInt32LittleEndian(entry) == Interpreter)
                return $"is linked dynamically: it needs {NameAt(program, entry)}, which the archive has not";
        }
        return null;
    }

    private static string NameAt(ReadOnlySpan<byte> program, ReadOnlySpan<byte> entry)
    {
        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(entry[OffsetAt..]);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(entry[LengthAt..]);
        bool isThere = offset <= (ulong)program.Length && length <= (ulong)program.Length - offset;
        return isThere ? Encoding.UTF8.GetString(program.Slice((int)offset, (int)length)).TrimEnd('\0') : "a loader";
    }
}
