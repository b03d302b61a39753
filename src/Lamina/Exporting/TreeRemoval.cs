using System.Runtime.InteropServices;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Removes what an extraction made, after it failed: by name within open directories, never through a link.</summary>
internal static unsafe class TreeRemoval
{
    /// <summary>
    /// Empties the directories that were made, the last one first, so that each is empty when its parent's turn comes.
    /// </summary>
    public static void Remove(ExtractTarget target, IReadOnlyList<TreeItem> directories)
    {
        using DirectoryCursor cursor = new(target.Path, target.Root);
        byte* name = stackalloc byte[HostName.BufferSize];
        for (int i = directories.Count - 1; i >= 0; i--)
        {
            ItemPath path = directories[i].Path;
            int directory = cursor.MoveTo(path);
            foreach ((byte[] bytes, bool isDirectory) in Names(directory, $"{target.Path}{path}"))
            {
                HostName.Copy(bytes, name);
                if (HostCalls.Unlink(directory, name, isDirectory ? HostCalls.RemoveDirectory : 0) != 0)
                    throw HostError.Failure($"{target.Path}{path}: {ShownText.Of(bytes)} cannot be removed");
            }
        }
    }

    /// <summary>The names in an open directory.</summary>
    public static List<(byte[] Name, bool IsDirectory)> Names(int directory, string path)
    {
        int copy = HostCalls.Duplicate(directory);
        nint listing = copy < 0 ? 0 : DirectoryCalls.OpenListing(copy);
        if (listing == 0)
            throw HostError.Failure($"{path} cannot be listed");
        List<(byte[], bool)> names = [];
        HostCalls.Rewind(listing);                                      // the copy shares its position with the original
        byte* entry;
        while ((entry = HostCalls.ReadListing(listing)) != null)
        {
            ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + DirectoryCalls.EntryName);
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                names.Add((name.ToArray(), entry[HostCalls.DirentType] == HostCalls.DirentIsDirectory));
        }
        int errno = HostError.Last;
        _ = HostCalls.CloseListing(listing);
        return errno == 0 ? names : throw HostError.Failure($"{path} cannot be listed", errno);
    }
}
