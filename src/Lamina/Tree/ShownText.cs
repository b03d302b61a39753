using System.Globalization;
using System.Text;

namespace Lamina.Tree;

/// <summary>What of a name can be shown as it is.</summary>
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
}
