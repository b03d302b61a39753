using System.CommandLine;
using Lamina.Exporting;
using Lamina.Images;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary><c>lamina export</c>: a tree becomes an archive.</summary>
internal sealed class ExportVerb : Verb
{
    private readonly Argument<string> _image = ImageArgument();

    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The archive to write, .tar or .cpio; - for standard output",
        HelpName = "OUT",
        Required = true,
    };

    private readonly Option<string> _format = new Option<string>("--format")
    {
        Description = "tar (pax) or cpio (newc). Without: cpio if OUT ends so, else tar",
        HelpName = "FORMAT",
    }.AcceptOnlyFromAmong("tar", "cpio");

    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace OUT if it exists" };
    private readonly Option<string> _platform = OpeningArguments.PlatformOption();

    public ExportVerb(Session session) : base(session, "export",
        "Writes an image or a layer as an archive; the same image gives the same archive. A tar keeps everything but " +
            "sockets; a cpio " +
        "has no attributes, whole seconds only, and no file of 4 GiB. Exit code 1 if the archive lacks something.",
        "lamina export root.erofs -o root.tar",
        "lamina export root.erofs -o - | zstd > root.tar.zst",
        "lamina export root.erofs -o initrd.cpio")
    {
        Add(_image);
        Add(_output);
        Add(_format);
        Add(_force);
        Add(_platform);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        string output = arguments.GetRequiredValue(_output);
        bool isCpio = (arguments.GetValue(_format) ?? Path.GetExtension(output)) is "cpio" or ".cpio";
        using Layer layer = OpenedLayers.OpenOne(image, OpeningArguments.Looking(arguments, _platform));
        using ProgressLine progress = new(Session, "exporting");
        ExportOptions options = new() { Cancellation = Session.Interrupts.Token, Progress = progress };
        ExportResult Write(Stream stream) => isCpio
            ? CpioExport.Write(image, layer.Root, stream, options)
            : TarExport.Write(image, layer.Root, stream, options);
        ExportResult result;
        if (output == StandardStream)
        {
            if (Session.IsTerminal)
                throw new UsageException("an archive is nothing to look at: standard output is a terminal",
                    "Name a file, or a pipe.");
            RefuseOverInput(layer);
            Output.Flush();
            result = Write(Session.Bytes);
            Session.Bytes.Flush();
        }
        else
        {
            result = WriteFile(output, InputsOf(layer), arguments.GetValue(_force), Write);
            progress.Complete();
            Session.Summary.WriteLine($"{output}: {Texts.Count(result.Entries, "entry", "entries")}, {Texts.Size(result.Bytes)}");
            Output.Flush();
        }
        progress.Complete();
        foreach (string warning in result.Warnings)
            Session.Error.WriteLine($"lamina: {warning}");
        return result.Warnings.Count == 0 ? ExitCodes.Done : ExitCodes.No;
    }

    /// <summary>A file that appears whole or not at all, or a pipe or terminal that takes what comes.</summary>
    private ExportResult WriteFile(string path, InputFiles inputs, bool overwrites, Func<Stream, ExportResult> write)
    {
        inputs.Refuse(path);
        if (OutputPlace.OpenStream(path) is { } stream)
        {
            using (stream)
                return write(stream);
        }
        using IDisposable scope = Session.Interrupts.Writing(path);
        using OutputFile output = new(path, overwrites, inputs);
        ExportResult result = write(output.AsStream());
        output.Commit();
        return result;
    }
}
