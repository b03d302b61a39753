using System.CommandLine;
using Lamina.Mounting;

namespace Lamina.Cli;

/// <summary><c>lamina umount</c>.</summary>
internal sealed class UmountVerb : Verb
{
    private readonly Argument<string> _target = new("DIR") { Description = "Where an image is mounted" };

    public UmountVerb(Session session) : base(session, "umount",
        "Unmounts an image; loop devices made for it go with it.", "lamina umount /mnt")
    {
        Add(_target);
    }

    protected override int Run(ParseResult arguments)
    {
        Mounter.Unmount(arguments.GetRequiredValue(_target));
        return ExitCodes.Done;
    }
}
