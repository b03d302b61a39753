namespace Lamina.Cli;

/// <summary>
/// What the program says of itself. The version stands in Directory.Build.props, the commit comes from git when it is built.
/// </summary>
internal static class VersionText
{
    /// <summary>As many digits of a commit as tell it apart for people.</summary>
    private const int ShownDigits = 12;

    /// <summary>The version, as packages have it.</summary>
    public static string Version => BuildFacts.Version;

    /// <summary>All of it.</summary>
    public static void Write(TextWriter output)
    {
        output.WriteLine($"lamina {Version}");
        // Sources that came without git have no commit.
        if (BuildFacts.Commit.Length > 0)
            output.WriteLine($"commit {BuildFacts.Commit[..Math.Min(ShownDigits, BuildFacts.Commit.Length)]}");
        output.WriteLine($"codecs: {string.Join(", ", EncodeArguments.CodecNames)}");
    }
}
