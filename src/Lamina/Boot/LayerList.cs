using System.Globalization;
using System.Text;

namespace Lamina.Boot;

/// <summary>A layer as an archive announces it.</summary>
/// <param name="Name">The file's name in the folder of layers.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Digest">SHA-256 of its bytes, 64 hexadecimal digits.</param>
/// <param name="IsOptional">Whether a boot goes on without it if it is missing or damaged.</param>
public sealed record ListedLayer(string Name, long Size, string Digest, bool IsOptional);

/// <summary>
/// The text that says which layers an archive brings. It comes before them: if the archive is cut off or memory too small, what is
/// missing is noticed.
/// </summary>
public static class LayerList
{
    private const string Optional = "optional", Required = "required";

    /// <summary>Writes a list: a line a layer, of size, digest, <c>required</c> or <c>optional</c>, and name.</summary>
    public static byte[] Format(IEnumerable<ListedLayer> layers)
    {
        StringBuilder text = new();
        foreach (ListedLayer layer in layers)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{layer.Size} {layer.Digest} {(layer.IsOptional ? Optional : Required)} {layer.Name}\n");
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>Reads a list.</summary>
    /// <exception cref="CorruptImageException">A line is none of ours.</exception>
    public static IReadOnlyList<ListedLayer> Parse(string name, ReadOnlySpan<byte> text)
    {
        List<ListedLayer> layers = [];
        foreach (string line in Encoding.UTF8.GetString(text).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ', 4);
            bool isSound = words.Length == 4 && words[1].Length == 64 && words[2] is Optional or Required;
            if (!isSound || !long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out long size))
                throw new CorruptImageException(name, $"line {layers.Count + 1} is not size, digest, need and name of a layer");
            layers.Add(new ListedLayer(words[3], size, words[1], words[2] == Optional));
        }
        return layers;
    }
}
