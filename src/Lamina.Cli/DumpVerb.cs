using System.CommandLine;
using Lamina.Describing;
using Lamina.Layers;
using Lamina.Reading;

namespace Lamina.Cli;

/// <summary><c>lamina dump</c>: what every byte of an image is.</summary>
internal sealed class DumpVerb : Verb
{
    private readonly Argument<string> _image = new("IMAGE") { Description = "An EROFS image; with devices: IMAGE@DEVICE@DEVICE" };

    public DumpVerb(Session session) : base(session, "dump",
        "Explains every byte of an EROFS image, padding included, in the order of addresses: each structure with its fields, " +
            "whose data is where, then how much each use takes. " +
            "Exit code 1 if something contradicts the format; it is noted at the end, and the rest explained.",
        "lamina dump root.erofs | less",
        "lamina dump root.erofs | grep -A 4 'inode .*, /etc/os-release'")
    {
        Add(_image);
    }

    protected override int Run(ParseResult arguments)
    {
        string[] paths = LayerOpener.Split(arguments.GetRequiredValue(_image));
        ImageFile.Require(paths[0]);
        using ErofsImage image = ErofsImage.Open(paths[0], paths[1..]);
        int faults = ImageDumper.Dump(image, Output, Session.Interrupts.Token);
        return faults == 0 ? ExitCodes.Done : ExitCodes.No;
    }
}
