using System.Globalization;

namespace Lamina.Cli;

/// <summary>Sizes as people type them: bytes, or with K, M or G for powers of 1024.</summary>
internal static class SizeText
{
    /// <summary>Reads a size; null for what is none.</summary>
    public static long? Parse(string text)
    {
        int shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, _ => 0 };
        string digits = shift > 0 ? text[..^1] : text;
        bool isNumber = long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long value);
        return isNumber && value <= long.MaxValue >> shift ? value << shift : null;
    }
}
