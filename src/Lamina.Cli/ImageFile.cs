using Lamina.Layers;
using Lamina.Platform;

namespace Lamina.Cli;

/// <summary>A file that must be an EROFS image.</summary>
internal static class ImageFile
{
    /// <summary>Refuses a file that is anything else, and says what it is. A pipe is not asked: it can be read once.</summary>
    public static void Require(string path)
    {
        if (FileStatus.Find(path) is not { Type: FileStatus.RegularFile or FileStatus.BlockDevice })
            return;
        using ByteSource source = ByteSource.OpenFile(path);
        LayerOpener.RequireImage(source);
    }
}
