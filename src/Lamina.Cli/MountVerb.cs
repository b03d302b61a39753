using System.CommandLine;
using Lamina.Checking;
using Lamina.Layers;
using Lamina.Mounting;
using Lamina.Platform;
using Lamina.Reading;

namespace Lamina.Cli;

/// <summary><c>lamina mount</c>: makes sure that the devices are the right ones, which the kernel does not, and mounts.</summary>
internal sealed class MountVerb : Verb
{
    private readonly Argument<string> _image = new("IMAGE")
    {
        Description = "An EROFS image; an index with its devices: IMAGE@DEVICE@DEVICE",
    };
    private readonly Argument<string> _target = new("DIR") { Description = "The directory to mount on" };
    private readonly Option<bool> _loop = new("--loop")
    {
        Description = "Use loop devices even where the kernel can mount files",
    };
    private readonly Option<bool> _noVerify = new("--no-verify")
    {
        Description = "Do not read the devices through to compare their SHA-256",
    };
    private readonly Option<string> _rootHash = VerityArguments.RootHash(
        "Mount only if the image and all its devices are what this dm-verity root hash says");
    private readonly Option<string> _hashFile = VerityVerb.HashFileOption(
        "With --root-hash: the file that has the tree. Without: the image itself");
    private readonly Option<string> _options = new("--options", "-o")
    {
        Description = "Options as mount(8) has them",
        HelpName = "LIST",
    };

    public MountVerb(Session session) : base(session, "mount",
        "Mounts an image, read-only. Devices that are not those an index was made with, or are in another order, " +
        "are refused: the kernel would mount them, and show wrong data.",
        "lamina mount root.erofs /mnt",
        "lamina mount root.erofs@base.erofs@app.erofs /mnt    # an index and the layers it was made of",
        "lamina mount --root-hash 4fd4... root.erofs@base.erofs /mnt   # nothing is mounted that the root hash does not cover",
        "lamina mount -o nosuid,nodev root.erofs /mnt")
    {
        Add(_image);
        Add(_target);
        Add(_loop);
        Add(_noVerify);
        Add(_rootHash);
        Add(_hashFile);
        OnlyWith(_rootHash, _hashFile);
        Add(_options);
    }

    protected override int Run(ParseResult arguments)
    {
        string[] paths = LayerOpener.Split(arguments.GetRequiredValue(_image));
        ImageFile.Require(paths[0]);
        RefuseDisk(paths[0]);
        string? rootHash = arguments.GetValue(_rootHash), hashFile = arguments.GetValue(_hashFile);
        if (rootHash is not null)
        {
            if (arguments.GetValue(_noVerify))
                throw new UsageException("--root-hash and --no-verify exclude each other", "Leave out one of them.");
            using ProgressLine progress = new(Session, "verifying");
            TrustCheck.Require(paths[0], paths[1..], rootHash, hashFile, progress);
        }
        else if (!arguments.GetValue(_noVerify))
        {
            Verify(paths[0], paths[1..]);
        }
        MountResult result = Mounter.Mount(new MountRequest(paths[0], paths[1..], arguments.GetRequiredValue(_target))
        {
            ForceLoop = arguments.GetValue(_loop),
            ExtraOptions = arguments.GetValue(_options),
        });
        string how = result.Direct ? "" : $" by way of {string.Join(", ", result.LoopDevices)}";
        Session.Summary.WriteLine($"{paths[0]} is mounted on {result.Target}{how}");
        return ExitCodes.Done;
    }

    /// <summary>A disk is read as the image in it, but the kernel mounts what is at the start of what it is given.</summary>
    private static void RefuseDisk(string path)
    {
        if (FileStatus.Find(path) is not { Type: FileStatus.RegularFile or FileStatus.BlockDevice })
            return;
        using ByteSource source = ByteSource.OpenFile(path);
        if (DiskPartitions.FindImage(source) is { } part)
        {
            throw new UnsupportedImageException(path, $"is a disk, and its image is in partition {part.Number}",
                $"Mount it from there: mount -t erofs -o ro,loop,offset={part.Start} {ShellText.Quote(path)} DIR");
        }
    }

    private void Verify(string image, string[] devices)
    {
        using ProgressLine progress = new(Session, "verifying");
        DeviceReport report = DeviceCheck.Verify(image, devices,
            new WorkOptions { Progress = progress, Threads = Session.Threads });
        progress.Complete();
        TrustCheck.Require(image, report);
    }
}
