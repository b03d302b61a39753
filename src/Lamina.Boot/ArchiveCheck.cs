using Lamina.Archives;

namespace Lamina.Boot;

/// <summary>
/// Whether a file is what a kernel unpacks as its initramfs: cpio archives in newc form, at the end a compressed one.
/// </summary>
internal sealed class ArchiveCheck
{
    private readonly HashSet<string> _modules = [];

    private ArchiveCheck()
    {
    }

    /// <summary>Whether a part of it is compressed, so that not all names in it are known.</summary>
    public bool IsPacked { get; private set; }

    /// <summary>Whether it has /init.</summary>
    public bool HasInit { get; private set; }

    /// <summary>Whether layers lie in place in it.</summary>
    public bool HasLayersInPlace { get; private set; }

    /// <summary>The releases of the kernels that it has modules for, where Lamina put them.</summary>
    public IReadOnlyCollection<string> ModuleReleases => _modules;

    /// <summary>Looks at an archive.</summary>
    /// <exception cref="CorruptImageException">It is cut off or damaged.</exception>
    /// <exception cref="UnsupportedImageException">It is none.</exception>
    public static ArchiveCheck Read(ByteSource archive)
    {
        ArchiveCheck check = new();
        CpioReader reader = new(archive);
        int count = 0;
        foreach (CpioEntry entry in reader.ReadAll())
        {
            count++;
            check.HasInit |= entry.Name is "init" or "/init" or "./init";
            check.HasLayersInPlace |= InitrdBuilder.IsLayerInPlace(entry);
            if (Path.GetDirectoryName(entry.Name) == BootFiles.Modules)
                check._modules.Add(Path.GetFileName(entry.Name));
        }
        if (reader.Remainder < 0)
        {
            return count > 0 ? check : throw new UnsupportedImageException(archive.Name,
                archive.Length == 0 ? "is empty, not an initramfs" : "has no files in it");
        }
        CheckPacked(archive, reader.Remainder, isFirst: count == 0);
        check.IsPacked = true;
        return check;
    }

    private static void CheckPacked(ByteSource archive, long at, bool isFirst)
    {
        string? packing = Packing.Find(archive, at, out bool canBeRead);
        if (packing is null)
        {
            throw new UnsupportedImageException(archive.Name, isFirst
                ? $"is {FileKind.Describe(archive)}, not an initramfs: that is a cpio archive in newc form, compressed or not"
                : $"what begins at byte {at}, behind the archive, is no archive");
        }
        if (canBeRead && !HoldsArchive(archive, at, packing))
        {
            throw new UnsupportedImageException(archive.Name,
                $"is compressed with {packing}, but what is in it is no cpio archive");
        }
    }

    private static bool HoldsArchive(ByteSource archive, long at, string packing)
    {
        using PackedStream stream = Packed.Open(new PackedInput(archive, at), packing);
        return CpioHeader.HasMagic(stream.Next());
    }
}
