using System.CommandLine;
using System.Text;
using Lamina.Containers;
using Lamina.Describing;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Reading;
using Lamina.Tree;
using Spectre.Console;

namespace Lamina.Cli;

/// <summary><c>lamina inspect</c>: what an image is, what it needs, and what its bytes are used for.</summary>
internal sealed class InspectVerb : Verb
{
    private const int DigestDigitsShown = 16;

    private readonly Argument<string> _image = new("IMAGE")
    {
        Description = "An EROFS image, whose devices may be left out, or a container image",
    };

    private readonly Option<string> _platform = OpeningArguments.PlatformOption();
    private readonly Option<bool> _json = JsonOption();

    public InspectVerb(Session session) : base(session, "inspect",
        "Shows what an EROFS image is: features and the kernel they need, codecs, devices, " +
            "the layers it was made of, and what its bytes are used for. Of a container image it shows config and layers.",
        "lamina inspect root.erofs",
        "lamina inspect root.erofs --json | jq .kernel",
        "lamina inspect oci:DIR:TAG                          # a container image: its config, its layers")
    {
        Add(_image);
        Add(_platform);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        LayerOptions options = OpeningArguments.Looking(arguments, _platform);
        using (ContainerImage? image = OpenedLayers.FindImage(arguments.GetRequiredValue(_image), options))
        {
            if (image is not null)
            {
                if (arguments.GetValue(_json))
                    ContainerText.WriteJson(Output, image);
                else
                    ContainerText.Write(Session, image);
                return ExitCodes.Done;
            }
        }
        string[] paths = LayerOpener.Split(arguments.GetRequiredValue(_image));
        ImageFile.Require(paths[0]);
        ImageInfo info = ImageInfo.Read(paths[0], paths[1..]);
        if (arguments.GetValue(_json))
            InspectJson.Write(Output, info);
        else
            Write(info);
        return ExitCodes.Done;
    }

    private void Write(ImageInfo info)
    {
        string label = info.Label.IsEmpty ? "" : $", label {ShownText.Of(info.Label.Span)}";
        Output.WriteLine($"{info.Name}: EROFS, {Texts.Size(info.Length)}, " +
            $"{Texts.Number(info.Blocks)} blocks of {info.BlockSize} bytes, " +
            $"for Linux {info.Kernel} and later");
        Output.WriteLine($"  uuid {info.Uuid}{label}, made {Texts.Time(info.BuildTime)}");
        ImageCounts counts = info.Counts;
        Output.WriteLine($"  {Texts.Count(info.InodeCount, "inode")}: " +
            $"{Texts.Count(counts.Directories, "directory", "directories")}, " +
            $"{Texts.Count(counts.RegularFiles, "file")}, {Texts.Count(counts.SymbolicLinks, "symbolic link")}, " +
            $"{Texts.Count(counts.Others, "other")}; {Texts.Count(counts.Names, "name")}; " +
            $"{Texts.Size(counts.Bytes)} of file data");
        string packed = info.PackedNid == 0 ? "" : $", packed file {info.PackedNid}";
        Output.WriteLine($"  metadata from byte {info.MetadataStart}, root inode {info.RootNid}{packed}");
        if (!info.FingerprintName.IsEmpty)
        {
            Output.WriteLine($"  pages are shared by {ShownText.Of(info.FingerprintName.Span)} where mounted with " +
                $"-o {SharingText.MountOptions} (Linux 7.0)");
        }
        WriteFeatures(info);
        WriteDevices(info);
        WriteLayers(info);
        WriteUses(info);
    }

    private void WriteFeatures(ImageInfo info)
    {
        Table table = Tables.New("Feature", "Since Linux", "");
        foreach (ImageFeature feature in info.Features)
            AddRow(table, feature.Name, feature.Linux.Length > 0 ? feature.Linux : "?",
                feature.IsRequired ? "" : "older ones mount without");
        foreach (ImageCodec codec in info.Codecs)
            AddRow(table, codec.Name, codec.Linux, codec.Limits);
        Write(table);
    }

    private void WriteDevices(ImageInfo info)
    {
        Table table = Tables.New("Device", "Size", "Address", "Tag", "File");
        RightAlign(table, 1, 2);
        for (int i = 0; i < info.Devices.Count; i++)
        {
            ImageDevice device = info.Devices[i];
            AddRow(table, $"{i + 1}", Texts.Size(device.Length), $"0x{device.UnifiedAddress:x}",
                Shortened(ShownText.Of(device.Tag.Span)),
                device.Path ?? "not given");
        }
        Write(table);
    }

    private void WriteLayers(ImageInfo info)
    {
        if (info.Originals is null)
            return;
        Table table = Tables.New("Layer", "Kind", "Name", "Size", "Starts at", "SHA-256");
        RightAlign(table, 3, 4);
        foreach (ImageOriginal original in info.Originals)
        {
            AddRow(table, $"{original.Layer}", Texts.Kind(original.Kind),
                ShownText.Of(original.Name.Span), Texts.Size(original.Length),
                original.Start is { } start ? $"{start}" : "other file",
                original.Digest.IsEmpty ? "not recorded" : Shortened(Convert.ToHexStringLower(original.Digest.Span)));
        }
        Write(table);
        foreach (long length in info.FormerLengths)
            Output.WriteLine($"Appended to when it was {Texts.Size(length)}");
    }

    private void WriteUses(ImageInfo info)
    {
        Table table = Tables.New("Used for", "Size", "Share");
        RightAlign(table, 1, 2);
        foreach (ImageUse use in info.Uses)
            AddRow(table, use.Use, Texts.Size(use.Bytes), Texts.Percent(use.Bytes, info.Length));
        Write(table);
    }

    private void Write(Table table)
    {
        if (table.Rows.Count == 0)
            return;
        Output.WriteLine();
        Tables.Write(Session, table);
    }

    private static void AddRow(Table table, params string[] cells) => table.AddRow([.. cells.Select(cell => new Text(cell))]);

    private static void RightAlign(Table table, params int[] columns)
    {
        foreach (int column in columns)
            table.Columns[column].RightAligned();
    }

    private static string Shortened(string digest) =>
        digest.Length == 64 ? new StringBuilder(digest, 0, DigestDigitsShown, 32).Append("...").ToString() : digest;
}
