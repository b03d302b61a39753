using System.Text.Json;

namespace Lamina.Containers;

/// <summary>Reads the JSON of images: what is missing or of another kind than it must be is told with its name.</summary>
/// <param name="name">What messages call the document.</param>
/// <param name="element">The value.</param>
/// <param name="path">Where in the document it is.</param>
internal readonly struct JsonReading(string name, JsonElement element, string path = "")
{
    /// <summary>The bytes a manifest or an index has at most: what registries take.</summary>
    public const int MaxSize = 4 << 20;

    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = 64 };

    public JsonElement Element => element;

    /// <summary>Parses a document.</summary>
    /// <exception cref="CorruptImageException">It is no JSON, or no object or array.</exception>
    public static JsonReading Parse(string name, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes, s_options);
            return new JsonReading(name, document.RootElement.Clone());
        }
        catch (JsonException fault)
        {
            throw new CorruptImageException(name, $"is no JSON: {fault.Message}");
        }
    }

    /// <summary>A member of an object; null where it is missing or null.</summary>
    public JsonReading? Find(string member) =>
        element.ValueKind != JsonValueKind.Object ? throw Fault("is no object")
        : element.TryGetProperty(member, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? new JsonReading(name, value, $"{path}.{member}") : null;

    /// <summary>A member that must be there.</summary>
    public JsonReading Get(string member) => Find(member) ?? throw Fault($"has no {member}");

    /// <summary>A string that may be missing.</summary>
    public string Text(string member) => Find(member) is not { } value ? "" : value.Text();

    /// <summary>This value, which must be a string.</summary>
    public string Text() =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : throw Fault("is no string");

    /// <summary>A count of bytes.</summary>
    public long Size(string member) => Get(member) is { Element: var value } && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt64(out long size) && size >= 0 ? size : throw Fault($"has a {member} that is no size");

    /// <summary>A digest.</summary>
    public Digest Digest(string member) => AsDigest(Get(member).Text());

    /// <summary>A text that must be a digest.</summary>
    public Digest AsDigest(string text) => Containers.Digest.TryParse(text)
        ?? throw Fault($"has the digest {Shown(text)}; sha256: or sha512: and a hash were expected");

    /// <summary>The values of an array.</summary>
    public IEnumerable<JsonReading> Items()
    {
        if (element.ValueKind != JsonValueKind.Array)
            throw Fault("is no array");
        int index = 0;
        foreach (JsonElement item in element.EnumerateArray())
            yield return new JsonReading(name, item, $"{path}[{index++}]");
    }

    /// <summary>The values of an array that may be missing.</summary>
    public IEnumerable<JsonReading> Items(string member) => Find(member)?.Items() ?? [];

    /// <summary>The members of an object that may be missing.</summary>
    public IEnumerable<(string Name, JsonReading Value)> Members(string member)
    {
        if (Find(member) is not { } found)
            yield break;
        if (found.Element.ValueKind != JsonValueKind.Object)
            throw found.Fault("is no object");
        foreach (JsonProperty property in found.Element.EnumerateObject())
            yield return (property.Name, new JsonReading(name, property.Value, $"{found.Path}.{property.Name}"));
    }

    private string Path => path;

    /// <summary>Says what is wrong here.</summary>
    public CorruptImageException Fault(string what) => new(name, path.Length == 0 ? what : $"{path.TrimStart('.')} {what}");

    private static string Shown(string text) => text.Length <= 100 ? text : text[..100] + "...";
}
