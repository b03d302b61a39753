using System.Globalization;
using System.Text;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>
/// Text that people type and read: values, messages, and names as <see cref="ShownText"/> shows them, understood in arguments.
/// </summary>
internal static class NameText
{
    /// <summary>Text of a message, which may hold names of any kind: what cannot be printed is shown by its bytes.</summary>
    public static string Shown(string text)
    {
        StringBuilder shown = new(text.Length);
        for (ReadOnlySpan<char> rest = text; !rest.IsEmpty;)
        {
            shown.Append(ShownFirst(rest, out int count));
            rest = rest[count..];
        }
        return shown.ToString();
    }

    /// <summary>What a text begins with, as it can be printed.</summary>
    /// <param name="text">The text, which is not empty.</param>
    /// <param name="count">How much of it that is.</param>
    public static string ShownFirst(ReadOnlySpan<char> text, out int count)
    {
        bool isWhole = Rune.DecodeFromUtf16(text, out Rune rune, out count) == System.Buffers.OperationStatus.Done;
        if (!isWhole && PathBytes.ByteOf(text[0]) is { } value)
            return $"\\x{value:x2}";
        if (ShownText.IsPrintable(rune))
            return rune.ToString();
        Span<byte> bytes = stackalloc byte[4];
        return string.Concat(bytes[..rune.EncodeToUtf8(bytes)].ToArray().Select(value => $"\\x{value:x2}"));
    }

    /// <summary>A value of an extended attribute: text if all of it can be printed, else hexadecimal digits behind 0x.</summary>
    public static string OfValue(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> rest = bytes;
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(rest, out Rune rune, out int count) != System.Buffers.OperationStatus.Done
                || !ShownText.IsPrintable(rune))
                return $"0x{Convert.ToHexStringLower(bytes)}";
            rest = rest[count..];
        }
        return $"\"{Encoding.UTF8.GetString(bytes).Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
    }

    /// <summary>The bytes that an argument means.</summary>
    public static byte[] Parse(string text)
    {
        byte[] bytes = PathBytes.Encode(text);
        int to = 0;
        for (int at = 0; at < bytes.Length; to++)
        {
            ReadOnlySpan<byte> rest = bytes.AsSpan(at);
            if (rest.StartsWith("\\\\"u8))
            {
                bytes[to] = (byte)'\\';
                at += 2;
            }
            else if (rest.Length >= 4 && rest.StartsWith("\\x"u8) &&
                byte.TryParse(rest.Slice(2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
            {
                bytes[to] = value;
                at += 4;
            }
            else
            {
                bytes[to] = bytes[at++];
            }
        }
        return bytes[..to];
    }
}
