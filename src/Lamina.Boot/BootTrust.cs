namespace Lamina.Boot;

/// <summary>
/// What a boot trusts (<c>lamina.roothash=</c>): root hashes, separated by commas. From them every byte that is mounted has to be
/// reached, or the boot ends.
/// </summary>
internal sealed record BootTrust
{
    private const string ListPrefix = "list:";

    /// <summary>
    /// <c>HEX</c>: the root hash of what the root is made of: the image on <c>lamina.root=</c>, else the index in the archive,
    /// else the only layer, else of the partitions that have its halves as identities. Null without.
    /// </summary>
    public string? Main { get; init; }

    /// <summary><c>NAME:HEX</c>: the root hash of a layer in the archive, by its name there.</summary>
    public IReadOnlyDictionary<string, string> Layers { get; init; } = new Dictionary<string, string>();

    /// <summary><c>list:HEX</c>: the SHA-256 of a list of root hashes that the archive has (<see
    /// cref="RootHashList"/>).</summary>
    public IReadOnlyList<string> Lists { get; init; } = [];

    /// <summary>Reads the value of the option; null if something in it is no root hash.</summary>
    public static BootTrust? TryParse(string value)
    {
        string? main = null;
        Dictionary<string, string> layers = [];
        List<string> lists = [];
        foreach (string item in value.Split(','))
        {
            int colon = item.LastIndexOf(':');
            string hex = item[(colon + 1)..].ToLowerInvariant();
            bool isHash = hex.Length is 64 or 128 && hex.All(char.IsAsciiHexDigit);
            if (!isHash || colon == 0 || (colon < 0 && main is not null))
                return null;
            if (colon < 0)
                main = hex;
            else if (item.StartsWith(ListPrefix, StringComparison.Ordinal))
                lists.Add(hex);
            else if (!layers.TryAdd(item[..colon], hex))
                return null;
        }
        return new BootTrust { Main = main, Layers = layers, Lists = lists };
    }

    /// <summary>The value of the option.</summary>
    public override string ToString() => string.Join(',', [
        .. Main is null ? [] : (string[])[Main],
        .. Layers.OrderBy(layer => layer.Key, StringComparer.Ordinal).Select(layer => $"{layer.Key}:{layer.Value}"),
        .. Lists.Select(list => ListPrefix + list),
    ]);
}
