using System.Globalization;

namespace Lamina.Cli;

/// <summary>
/// Whose files become whose: <c>FROM=TO</c>, <c>FROM-LAST=TO</c> for as many numbers on both sides, with <c>u:</c> or
/// <c>g:</c> in front for users or groups alone. The first rule that fits counts; what none fits stays.
/// </summary>
internal sealed class OwnerMap
{
    private readonly List<Rule> _rules = [];

    private sealed record Rule(bool OfUsers, bool OfGroups, uint First, uint Last, uint To);

    /// <summary>Whether there is nothing to map.</summary>
    public bool IsEmpty => _rules.Count == 0;

    /// <summary>Adds a rule; <c>@FILE</c> adds those of a file, a line each.</summary>
    public void Add(string text)
    {
        if (!text.StartsWith('@'))
        {
            _rules.Add(Parse(text) ?? throw new UsageException($"--map-owner {text}: is no map of owners",
                "Say FROM=TO or FROM-LAST=TO in numbers, with u: or g: in front for one of both, such as u:100000-165535=0"));
            return;
        }
        string path = text[1..];
        string[] lines = TextLines.Read(path);
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.Length > 0 && line[0] != '#')
            {
                _rules.Add(Parse(line) ?? throw new UsageException(
                    $"{path}, line {i + 1}: \"{line}\" is no map of owners", "Say FROM=TO, such as 100000-165535=0"));
            }
        }
    }

    /// <summary>The user that a file comes to belong to.</summary>
    public uint User(uint user) => Map(user, rule => rule.OfUsers);

    /// <summary>The group that a file comes to belong to.</summary>
    public uint Group(uint group) => Map(group, rule => rule.OfGroups);

    /// <summary>A number of a user or a group; null if it is none. The last number stands for nobody in the kernel.</summary>
    public static uint? ParseNumber(string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number < uint.MaxValue
            ? number : null;

    private uint Map(uint number, Predicate<Rule> isMeant)
    {
        foreach (Rule rule in _rules)
        {
            if (number >= rule.First && number <= rule.Last && isMeant(rule))
                return rule.To + (number - rule.First);
        }
        return number;
    }

    private static Rule? Parse(string text)
    {
        bool ofUsers = !text.StartsWith("g:", StringComparison.Ordinal);
        bool ofGroups = !text.StartsWith("u:", StringComparison.Ordinal);
        string[] sides = (ofUsers && ofGroups ? text : text[2..]).Split('=');
        if (sides.Length != 2 || ParseNumber(sides[1]) is not { } to)
            return null;
        string[] ends = sides[0].Split('-');
        if (ends.Length > 2 || ParseNumber(ends[0]) is not { } first || ParseNumber(ends[^1]) is not { } last || last < first
            || to > uint.MaxValue - 1 - (last - first))
        {
            return null;
        }
        return new Rule(ofUsers, ofGroups, first, last, to);
    }
}
