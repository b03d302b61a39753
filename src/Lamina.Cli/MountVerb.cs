using System.CommandLine;
using Lamina.Layers;
using Lamina.Mounting;

namespace Lamina.Cli;

/// <summary><c>lamina mount</c>: makes sure that the devices are the right ones, which the kernel does not, and mounts.</summary>
internal sealed class MountVerb : Verb
{
    private readonly Argument<string> _image = new("IMAGE") { Description = "An EROFS image; an index with its devices: IMAGE@DEVICE@DEVICE" };
    private readonly Argument<string> _target = new("DIR") { Description = "The directory to mount on" };
    private readonly Option<bool> _loop = new("--loop") { Description = "Use loop devices even where the kernel can mount files" };
    private readonly Option<string> _options = new("--options", "-o") { Description = "Options as mount(8) has them", HelpName = "LIST" };

    public MountVerb(Session session) : base(session, "mount",
        "Mounts an image, read-only. Devices that an index was not made for, or in another order, are refused: the kernel would mount them.",
        "lamina mount root.erofs /mnt",
        "lamina mount root.erofs@base.erofs@app.erofs /mnt    # an index and the layers it was made of",
        "lamina mount -o nosuid,nodev root.erofs /mnt")
    {
        Add(_image);
        Add(_target);
        Add(_loop);
        Add(_options);
    }

    protected override int Run(ParseResult arguments)
    {
        string[] paths = LayerOpener.Split(arguments.GetRequiredValue(_image));
        Mounter.Mount(new MountRequest(paths[0], paths[1..], arguments.GetRequiredValue(_target))
        {
            ForceLoop = arguments.GetValue(_loop),
            ExtraOptions = arguments.GetValue(_options),
        });
        return ExitCodes.Done;
    }
}
