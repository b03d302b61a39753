using System.CommandLine;
using Lamina.Exporting;
using Lamina.Images;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary><c>lamina extract</c>: files of an image become files of the host.</summary>
internal sealed class ExtractVerb : Verb
{
    private readonly Argument<string> _image = ImageArgument();
    private readonly Argument<string> _folder =
        new("DIR") { Description = "Where to: new or empty. It is made if it is missing" };

    private readonly Argument<string[]> _paths = new("PATH")
    {
        Description = "What to extract, with all that is in it. Without: everything",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<bool> _noOwner = new("--no-owner")
    {
        Description = "Files belong to who runs this, and lend nobody's rights: no set-user-id, no set-group-id, no file " +
            "capabilities. Without it only root gives files their owners, and a file that does not get its own has no such bits",
    };

    private readonly Option<bool> _noDevices = new("--no-devices") { Description = "Leave out device nodes" };

    private readonly Option<bool> _force = new("--force", "-f")
    {
        Description = "Extract into a directory that holds files. Those in the way are replaced; links are never followed",
    };

    private readonly Option<bool> _json = JsonOption();
    private readonly Option<string> _platform = OpeningArguments.PlatformOption();

    public ExtractVerb(Session session) : base(session, "extract",
        "Extracts an image or a layer into a directory: data with its holes, owners, permissions, times, links, attributes, " +
            "devices. " +
        "Nothing outside the directory is touched, whatever the image says. If it fails, what it made is removed. Exit code " +
            "1 if " +
        "something could not be made or set, as for lack of rights; the rest is there then.",
        "lamina extract root.erofs root/",
        "lamina extract root.erofs etc/ /etc --no-owner")
    {
        Add(_image);
        Add(_folder);
        Add(_paths);
        Add(_noOwner);
        Add(_noDevices);
        Add(_force);
        Add(_platform);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        byte[][] paths = [.. (arguments.GetValue(_paths) ?? []).Select(text => NodePath.Normalize(NameText.Parse(text)))];
        using ProgressLine progress = new(Session, "extracting");
        using Layer layer = OpenedLayers.OpenOne(image, OpeningArguments.Looking(arguments, _platform));
        foreach (byte[] path in paths)
            NodePath.Find(layer.Root, path, image);
        ExtractResult result = Extract(layer, image, arguments.GetRequiredValue(_folder), new ExtractOptions
        {
            Paths = [.. paths.Select(path => new ReadOnlyMemory<byte>(path))],
            SetsOwners = arguments.GetValue(_noOwner) ? false : null,
            MakesDevices = !arguments.GetValue(_noDevices),
            Overwrite = arguments.GetValue(_force),
            Inputs = [.. layer.Sources],
            Progress = progress,
            Threads = Session.Threads,
            Cancellation = Session.Interrupts.Token,
        });
        progress.Complete();
        if (arguments.GetValue(_json))
            WriteJson(result);
        else
            Write(result);
        return result.Warnings.Count == 0 ? ExitCodes.Done : ExitCodes.No;
    }

    /// <summary>Extracts; a signal waits until all that was made is removed again, however long that takes.</summary>
    private ExtractResult Extract(Layer layer, string image, string folder, ExtractOptions options)
    {
        using ManualResetEventSlim finished = new();
        using IDisposable scope = Session.Interrupts.During(finished.Wait);
        try
        {
            return Extractor.Extract(image, layer.Root, folder, options);
        }
        finally
        {
            finished.Set();
        }
    }

    private void Write(ExtractResult result)
    {
        string links = result.Links == 0 ? "" : $", {Texts.Count(result.Links, "hard link")}";
        string others = result.Others == 0 ? "" : $", {Texts.Count(result.Others, "other")}";
        Session.Summary.WriteLine($"{Texts.Count(result.Files, "file")} ({Texts.Size(result.Bytes)}), " +
            $"{Texts.Count(result.Directories, "directory", "directories")}{others}{links}");
        Output.Flush();
        foreach (string warning in result.Warnings)
            Session.Error.WriteLine($"lamina: {warning}");
    }

    private void WriteJson(ExtractResult result)
    {
        using JsonOutput json = new(Output);
        json.Writer.WriteStartObject();
        json.Writer.WriteNumber("files", result.Files);
        json.Writer.WriteNumber("directories", result.Directories);
        json.Writer.WriteNumber("others", result.Others);
        json.Writer.WriteNumber("links", result.Links);
        json.Writer.WriteNumber("bytes", result.Bytes);
        json.WriteStrings("warnings", result.Warnings);
        json.Writer.WriteEndObject();
    }
}
