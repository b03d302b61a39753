using System.CommandLine;
using System.Text.Json;
using Lamina.Trust;

namespace Lamina.Cli;

/// <summary><c>lamina verity digest</c>: what fs-verity calls a file.</summary>
internal sealed class VerityDigestVerb : Verb
{
    private readonly Argument<string[]> _files = new("FILE") { Description = "Files", Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> _fsVerity = new("--fs-verity")
    {
        Description = "The digest that fs-verity has for the file: the kind there is, whether it is named or not",
    };
    private readonly VerityArguments _tree;
    private readonly Option<bool> _json = JsonOption();

    public VerityDigestVerb(Session session) : base(session, "digest",
        "Prints the fs-verity digests of files, as fsverity digest does.",
        "lamina verity digest --fs-verity base.erofs app.erofs",
        "lamina verity digest --fs-verity --algorithm sha512 base.erofs")
    {
        Add(_files);
        Add(_fsVerity);
        _tree = new VerityArguments(this);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        VerityOptions options = _tree.Options(arguments);
        List<(string File, string Digest)> rows = [];
        foreach (string file in arguments.GetRequiredValue(_files))
        {
            using ByteSource source = ByteSource.OpenFile(file);
            using ProgressLine progress = new(Session, $"hashing {file}");
            byte[] digest = FsVerity.Digest(source, options.Algorithm, options.BlockSize, options.Salt.Span,
                progress.Counter(source.Length));
            rows.Add((file, $"{VerityText.NameOf(options.Algorithm)}:{Convert.ToHexStringLower(digest)}"));
        }
        if (arguments.GetValue(_json))
            WriteJson(rows);
        else
            rows.ForEach(row => Output.WriteLine($"{row.Digest} {row.File}"));
        return ExitCodes.Done;
    }

    private void WriteJson(List<(string File, string Digest)> rows)
    {
        using JsonOutput json = new(Output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartArray();
        foreach ((string file, string digest) in rows)
        {
            writer.WriteStartObject();
            writer.WriteString("file", file);
            writer.WriteString("digest", digest);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }
}
