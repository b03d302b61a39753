using Lamina.Platform;
using Lamina.Reading;

namespace Lamina.Cli.Peers;

/// <summary>The image that fsck.erofs and dump.erofs are about: <c>IMAGE</c>, <c>--device</c>, <c>--offset</c>.</summary>
internal static class PeerImage
{
    public static PeerOption Device { get; } =
        new("--device", PeerValue.Required, "a further device of the image; may be repeated");

    public static PeerOption Offset { get; } =
        new("--offset", PeerValue.Required, "the byte at which the image begins in its file");

    /// <summary>The image's file and its devices.</summary>
    public static (string Path, string[] Devices) Files(PeerLine line)
    {
        if (line.Operands.Count == 0)
            throw new PeerException("missing argument: IMAGE");
        if (line.Operands.Count > 1)
            throw new PeerException($"unexpected argument: {line.Operands[1]}");
        return (line.Operands[0],
            [.. line.Settings.Where(setting => setting.Name == "--device").Select(setting => setting.Value!)]);
    }

    /// <summary>Opens the image's file where the image begins. What is returned goes with the file.</summary>
    public static ByteSource Open(string path, long offset)
    {
        ByteSource file = ByteSource.OpenFile(path);
        try
        {
            ByteSource source = offset == 0 ? file : ByteSource.Slice(file, path, offset, Math.Max(0, file.Length - offset));
            if (!ErofsImage.IsErofs(source))
                throw new CorruptImageException(path, "cannot find valid erofs superblock", null, offset);
            return source;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
