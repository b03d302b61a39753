using System.Text;

namespace Lamina.Boot;

/// <summary>How a layer is checked.</summary>
internal enum LayerCheck
{
    /// <summary>By dm-verity while it is used: the value is the root hash of the tree behind it.</summary>
    Verity,

    /// <summary>As a whole before it is used: the value is its SHA-256.</summary>
    Sha256,
}

/// <summary>What a layer has to be.</summary>
/// <param name="Name">Its name in the archive.</param>
/// <param name="Check">How it is checked.</param>
/// <param name="Value">The root hash or digest, in lower-case hexadecimal digits.</param>
internal sealed record ExpectedLayer(string Name, LayerCheck Check, string Value);

/// <summary>
/// A list of root hashes beside the layers of an archive, a line for each: <c>verity</c> or <c>sha256</c>, the value, the
/// name. It is trusted by its own SHA-256, which is on the kernel command line.
/// </summary>
internal static class RootHashList
{
    private const string Verity = "verity", Sha256 = "sha256";

    /// <summary>Writes a list.</summary>
    public static byte[] Format(IEnumerable<ExpectedLayer> layers) => Encoding.UTF8.GetBytes(string.Concat(layers.Select(layer =>
        $"{(layer.Check == LayerCheck.Verity ? Verity : Sha256)} {layer.Value} {layer.Name}\n")));

    /// <summary>Reads a list.</summary>
    /// <exception cref="CorruptImageException">A line is none of ours.</exception>
    public static IReadOnlyList<ExpectedLayer> Parse(string name, ReadOnlySpan<byte> text)
    {
        List<ExpectedLayer> layers = [];
        foreach (string line in Encoding.UTF8.GetString(text).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ', 3);
            if (words.Length != 3 || words[0] is not (Verity or Sha256) || words[1].Length is not (64 or 128)
                || !words[1].All(char.IsAsciiHexDigit))
            {
                throw new CorruptImageException(name, $"line {layers.Count + 1} is not kind, root hash and name of a layer");
            }
            LayerCheck check = words[0] == Verity ? LayerCheck.Verity : LayerCheck.Sha256;
            layers.Add(new ExpectedLayer(words[2], check, words[1].ToLowerInvariant()));
        }
        return layers;
    }
}
