using System.Globalization;
using System.Text;

namespace Lamina.Boot;

/// <summary>A layer as an archive announces it.</summary>
/// <param name="Name">The file's name in the folder of layers.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Digest">SHA-256 of its bytes, 64 hexadecimal digits.</param>
/// <param name="Form">Whether it is a file, or lies in the archive alone.</param>
/// <param name="IsOptional">Whether a boot goes on without it if it is missing or damaged.</param>
internal sealed record ListedLayer(string Name, long Size, string Digest, InitrdForm Form, bool IsOptional);

/// <summary>
/// The text that says which layers an archive brings. It comes before them: if the archive is cut off or memory too small,
/// what is missing is noticed.
/// </summary>
internal static class LayerList
{
    /// <summary>Bytes of a list's SHA-256 in its file's name.</summary>
    private const int NamedBytes = 8;

    private const string Optional = "optional", Required = "required", File = "file", InPlace = "in-place";

    /// <summary>
    /// Writes a list: a line a layer, of size, digest, <c>required</c> or <c>optional</c>, <c>file</c> or <c>in-place</c>, and
    /// name.
    /// </summary>
    public static byte[] Format(IEnumerable<ListedLayer> layers)
    {
        StringBuilder text = new();
        foreach (ListedLayer layer in layers)
        {
            string need = layer.IsOptional ? Optional : Required, form = layer.Form == InitrdForm.InPlace ? InPlace : File;
            text.Append(CultureInfo.InvariantCulture, $"{layer.Size} {layer.Digest} {need} {form} {layer.Name}\n");
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>The name of a list's file: that of its first layer, and what only a list with the same content has.</summary>
    public static string NameOf(string firstLayer, ReadOnlySpan<byte> digest) =>
        $"{firstLayer}-{Convert.ToHexStringLower(digest[..NamedBytes])}";

    /// <summary>Whether a list is the one that its file was named after.</summary>
    public static bool IsNamedAfter(string path, ReadOnlySpan<byte> digest) =>
        path.EndsWith($"-{Convert.ToHexStringLower(digest[..NamedBytes])}", StringComparison.Ordinal);

    /// <summary>Reads a list.</summary>
    /// <exception cref="CorruptImageException">A line is none of ours.</exception>
    public static IReadOnlyList<ListedLayer> Parse(string name, ReadOnlySpan<byte> text)
    {
        List<ListedLayer> layers = [];
        foreach (string line in Encoding.UTF8.GetString(text).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ', 5);
            bool isSound = words.Length == 5 && words[1].Length == 64 && words[2] is Optional or Required &&
                words[3] is File or InPlace;
            if (!isSound || !long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out long size))
                throw new CorruptImageException(name,
                    $"line {layers.Count + 1} is not size, digest, need, form and name of a layer");
            InitrdForm form = words[3] == InPlace ? InitrdForm.InPlace : InitrdForm.Files;
            layers.Add(new ListedLayer(words[4], size, words[1], form, words[2] == Optional));
        }
        return layers;
    }
}
