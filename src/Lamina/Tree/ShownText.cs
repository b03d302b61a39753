using System.Globalization;
using System.Text;

namespace Lamina.Tree;

/// <summary>How names and link targets are shown, wherever they are: without loss, and so that they do nothing to a
/// terminal.</summary>
internal static class ShownText
{
    /// <summary>
    /// Whether a letter can be printed: not if it would move the cursor, turn the direction of the text around it, or show
    /// nothing.
    /// </summary>
    public static bool IsPrintable(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse);

    /// <summary>
    /// Bytes as text: UTF-8 where it is valid and can be printed, other bytes as <c>\xNN</c>, and the backslash doubled.
    /// </summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0 && !bytes.Contains((byte)'\\'))
            return Encoding.ASCII.GetString(bytes);
        StringBuilder text = new(bytes.Length + 16);
        while (!bytes.IsEmpty)
        {
            bool isValid = Rune.DecodeFromUtf8(bytes, out Rune rune, out int count) == System.Buffers.OperationStatus.Done;
            if (isValid && IsPrintable(rune))
            {
                text.Append(rune.ToString());
                if (rune.Value == '\\')
                    text.Append('\\');
            }
            else
            {
                foreach (byte value in bytes[..count])
                    text.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
            }
            bytes = bytes[count..];
        }
        return text.ToString();
    }
}
