using System.Text;
using System.Text.RegularExpressions;

namespace Lamina.Cli;

/// <summary>A regular expression for paths, which are bytes: each is one character.</summary>
internal sealed class PathRegex
{
    /// <summary>A pattern that takes longer for one path is a mistake. In seconds.</summary>
    private const int PatternSeconds = 5;

    private readonly Regex _regex;

    private PathRegex(Regex regex) => _regex = regex;

    /// <summary>Reads one; null for what is none.</summary>
    public static PathRegex? Parse(string pattern)
    {
        try
        {
            return new PathRegex(new Regex(pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(PatternSeconds)));
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Whether it finds something in a path.</summary>
    public bool IsMatch(byte[] path) => _regex.IsMatch(Encoding.Latin1.GetString(path));
}
