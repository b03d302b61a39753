using System.Runtime.ExceptionServices;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Extracts trees into directories of the host.</summary>
public static class Extractor
{
    /// <summary>
    /// Extracts a tree. Nothing outside the directory is made, changed or followed, whatever names and links the tree holds.
    /// After a failure what was made is gone again, unless the directory held other files before.
    /// </summary>
    /// <param name="name">What messages call the tree: its file.</param>
    /// <param name="root">The root directory.</param>
    /// <param name="directory">Where to: new, or empty, or anything with <see cref="ExtractOptions.Overwrite"/>.</param>
    /// <param name="options">How.</param>
    /// <returns>What was made, and what could not be.</returns>
    /// <exception cref="CorruptImageException">The tree, or the data of a file, contradicts itself.</exception>
    /// <exception cref="FileNotFoundException">A path that was asked for is not in the tree.</exception>
    /// <exception cref="IOException">The directory is not empty, or the system refused.</exception>
    public static ExtractResult Extract(string name, Node root, string directory, ExtractOptions? options = null)
    {
        options ??= new ExtractOptions();
        if (!root.IsDirectory)
            throw new CorruptImageException(name, "the root is not a directory");
        foreach (ReadOnlyMemory<byte> path in options.Paths)
        {
            if (root.Find(path.Span) is null)
                throw new FileNotFoundException($"{name}: there is no {ShownText.Of(path.Span)} in it");
        }
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
            return new PortableExtraction(name, root, directory, options).Run();
        using ExtractTarget target = ExtractTarget.Open(directory, options);
        Extraction extraction = new(name, root, target, options);
        try
        {
            return extraction.Run();
        }
        catch (Exception failure) when (target.IsNew || !options.Overwrite)
        {
            CleanUp(target, extraction, directory, failure);
            ExceptionDispatchInfo.Throw(failure);
            throw;
        }
    }

    private static void CleanUp(ExtractTarget target, Extraction extraction, string directory, Exception failure)
    {
        try
        {
            TreeRemoval.Remove(target, extraction.Directories);
            if (target.IsNew)
                HostFile.RemoveDirectory(directory);
        }
        catch (Exception further) when (further is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{failure.Message}\nWhat was extracted before stays in {directory}: {further.Message}",
                failure);
        }
    }
}
