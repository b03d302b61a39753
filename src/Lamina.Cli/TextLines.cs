using System.Text;

namespace Lamina.Cli;

/// <summary>
/// Small files with a line for each thing, such as lists of paths. Each byte is one character: paths are bytes.
/// </summary>
internal static class TextLines
{
    /// <summary>The largest such file, in bytes: millions of paths.</summary>
    private const int MaxLength = 256 << 20;

    /// <summary>Reads the lines of a file.</summary>
    public static string[] Read(string path)
    {
        using ByteSource file = ByteSource.OpenFile(path);
        if (file.Length > MaxLength)
            throw new UsageException($"{path}: has {file.Length} bytes, a list has at most {MaxLength}");
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(0, bytes);
        return Encoding.Latin1.GetString(bytes).Split('\n');
    }

    /// <summary>Reads paths: a line each, from the root on; a slash or <c>./</c> in front makes no difference.</summary>
    public static IReadOnlyList<byte[]> ReadPaths(string path) =>
        [.. Read(path).Select(line => line.TrimEnd('\r')).Where(line => line.Length > 0).Select(line =>
            Encoding.Latin1.GetBytes(line.StartsWith("./", StringComparison.Ordinal) ? line[2..] : line.TrimStart('/')))];
}
