using System.Buffers;
using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;
using System.Text;

namespace Lamina.Platform;

/// <summary>
/// Names of the host's files as text, without loss: UTF-8 where it is valid; a byte that is not part of any is half a pair of its
/// own, U+DC80 to U+DCFF, which no valid text has. So a file can be opened whatever its name is.
/// </summary>
internal static class PathBytes
{
    private const int Offset = 0xDC00;
    private const char First = '\uDC80', Last = '\uDCFF';

    /// <summary>The byte that a character stands for; null if it is a character.</summary>
    public static byte? ByteOf(char value) => value is >= First and <= Last ? (byte)(value - Offset) : null;

    /// <summary>The text of a name.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int count) == OperationStatus.Done)
            {
                text.Append(rune.ToString());
            }
            else
            {
                foreach (byte value in bytes[..count])
                    text.Append((char)(Offset + value));
            }
            bytes = bytes[count..];
        }
        return text.ToString();
    }

    /// <summary>The name that a text stands for.</summary>
    public static byte[] Encode(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange(First, Last))
            return Encoding.UTF8.GetBytes(text);
        ArrayBufferWriter<byte> bytes = new(text.Length);
        for (ReadOnlySpan<char> rest = text; !rest.IsEmpty;)
        {
            bool isWhole = Rune.DecodeFromUtf16(rest, out Rune rune, out int count) == OperationStatus.Done;
            if (!isWhole && ByteOf(rest[0]) is { } value)
                bytes.Write([value]);
            else
                bytes.Advance(rune.EncodeToUtf8(bytes.GetSpan(4)));
            rest = rest[count..];
        }
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>The name where only text can be, as on a kernel's command line: a line for each byte that is none.</summary>
    public static string ToText(string text)
    {
        StringBuilder shown = new(text.Length);
        for (ReadOnlySpan<char> rest = text; !rest.IsEmpty;)
        {
            bool isWhole = Rune.DecodeFromUtf16(rest, out Rune rune, out int count) == OperationStatus.Done;
            shown.Append(isWhole ? rune.ToString() : "_");
            rest = rest[count..];
        }
        return shown.ToString();
    }

    /// <summary>The name with a NUL behind it, as the C library takes it.</summary>
    /// <exception cref="ArgumentException">It has one within, so it would end there.</exception>
    public static byte[] EncodeTerminated(string text) => text.Contains('\0', StringComparison.Ordinal)
        ? throw new ArgumentException("a name of a file cannot have a NUL") : Encode(text + '\0');
}

/// <summary>Gives names of files to the C library.</summary>
[CustomMarshaller(typeof(string), MarshalMode.ManagedToUnmanagedIn, typeof(PathMarshaller))]
internal static unsafe class PathMarshaller
{
    public static byte* ConvertToUnmanaged(string? managed)
    {
        if (managed is null)
            return null;
        byte[] bytes = PathBytes.EncodeTerminated(managed);
        byte* copy = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
        bytes.CopyTo(new Span<byte>(copy, bytes.Length));
        return copy;
    }

    public static void Free(byte* unmanaged) => NativeMemory.Free(unmanaged);
}
