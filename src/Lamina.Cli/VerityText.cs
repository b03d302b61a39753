using System.Text.Json;
using Lamina.Platform;
using Lamina.Trust;

namespace Lamina.Cli;

/// <summary>A dm-verity tree for people and for programs: its root hash, and how it is used.</summary>
internal sealed record VerityText(VerityInfo Info, string Image, string? HashFile)
{
    /// <summary>Whether data and tree are partitions of a disk: a line to open them would not fit.</summary>
    public bool IsDisk { get; init; }

    private string Hash => HashFile ?? Image;

    private string AlgorithmName => NameOf(Info.Algorithm);

    private string SaltText => Info.Salt.Length == 0 ? "" : Convert.ToHexStringLower(Info.Salt.Span);

    private string CommandLine => $"lamina.roothash={Info.RootHashText}";

    public static string NameOf(VerityAlgorithm algorithm) => algorithm == VerityAlgorithm.Sha256 ? "sha256" : "sha512";

    // Partitions are devices of their own: the tree is at the start of one.
    private string Table => (IsDisk ? Info with { HashOffset = 0 } : Info)
        .DeviceMapperLine("DATADEV", HashFile is null && !IsDisk ? "DATADEV" : "HASHDEV");

    private string OpenLine
    {
        get
        {
            string offset = Info.HashOffset == 0 ? "" : $" --hash-offset={Info.HashOffset}";
            return $"veritysetup open {ShellText.Quote(Image)} NAME {ShellText.Quote(Hash)} {Info.RootHashText}{offset}";
        }
    }

    public void Write(TextWriter output)
    {
        string place = HashFile is not null ? $"in {HashFile}" : IsDisk ? $"in a partition, at byte {Info.HashOffset}"
            : $"behind the image, at byte {Info.HashOffset}";
        string salt = SaltText.Length == 0 ? "no salt" : $"salt {SaltText}";
        output.WriteLine($"{Image}: dm-verity tree {place}: {Texts.Size(Info.HashLength)} for {Texts.Number(Info.DataBlocks)} " +
            $"blocks of {Info.DataBlockSize} bytes, {AlgorithmName}, {salt}");
        WriteUse(output);
    }

    /// <summary>The root hash and what to do with it.</summary>
    public void WriteUse(TextWriter output)
    {
        output.WriteLine($"Root hash:     {Info.RootHashText}");
        output.WriteLine($"Command line:  {CommandLine}");
        output.WriteLine($"Table:         {Table}");
        if (!IsDisk)
            output.WriteLine($"Open it:       {OpenLine}");
    }

    public void WriteJson(TextWriter output, Action<Utf8JsonWriter>? more = null)
    {
        using JsonOutput json = new(output);
        json.Writer.WriteStartObject();
        json.Writer.WriteString("image", Image);
        WriteFields(json.Writer);
        more?.Invoke(json.Writer);
        json.Writer.WriteEndObject();
    }

    /// <summary>The tree's fields, within an object that has been begun.</summary>
    public void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteString("rootHash", Info.RootHashText);
        writer.WriteString("algorithm", AlgorithmName);
        writer.WriteString("salt", SaltText);
        writer.WriteNumber("dataBlockSize", Info.DataBlockSize);
        writer.WriteNumber("hashBlockSize", Info.HashBlockSize);
        writer.WriteNumber("dataBlocks", Info.DataBlocks);
        if (!IsDisk)
            writer.WriteString("hashFile", Hash);
        writer.WriteNumber("hashOffset", Info.HashOffset);
        writer.WriteNumber("hashLength", Info.HashLength);
        writer.WriteString("uuid", Info.Uuid.ToString());
        writer.WriteString("table", Table);
        writer.WriteString("commandLine", CommandLine);
        if (!IsDisk)
            writer.WriteString("openLine", OpenLine);
    }
}
