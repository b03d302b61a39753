using System.Text;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Boot;

/// <summary>A folder lib/modules/RELEASE, of this machine or within a tree.</summary>
internal abstract class ModuleFolder
{
    /// <summary>What messages call it.</summary>
    public abstract string Name { get; }

    /// <summary>The kernel's release, as uname(1) gives it: the folder's name.</summary>
    public abstract string Release { get; }

    /// <summary>What to do where depmod(8) has not run.</summary>
    public abstract string Advice { get; }

    /// <summary>Where modules may be that are not here, as the end of a sentence; empty where there is no other place.</summary>
    public virtual string Hint => "";

    /// <summary>Opens a file by its path within the folder; null if there is none.</summary>
    public abstract ByteSource? Open(string path);

    /// <summary>A folder of this machine.</summary>
    public static ModuleFolder Of(string directory) => new HostModules(directory);

    /// <summary>A folder in the tree of an initramfs.</summary>
    /// <param name="initrd">What messages call the initramfs.</param>
    /// <param name="path">The folder's path in it.</param>
    /// <param name="folder">The folder.</param>
    public static ModuleFolder Of(string initrd, string path, Node folder) => new TreeModules(initrd, path, folder);

    /// <summary>The lines of a list; none if there is no such file.</summary>
    public IEnumerable<string> ReadLines(string path)
    {
        using ByteSource? list = Open(path);
        return list is null ? [] : Encoding.UTF8.GetString(ReadList(list)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static byte[] ReadList(ByteSource list)
    {
        const int limit = 64 << 20;             // a distribution's longest, modules.alias, has less than 2 MiB
        byte[] text = new byte[list.Length <= limit ? (int)list.Length
            : throw new CorruptImageException(list.Name, $"a list of modules of {list.Length} bytes; {limit} are possible")];
        list.ReadExactly(0, text);
        return text;
    }

    private sealed class HostModules(string directory) : ModuleFolder
    {
        public override string Name => directory;

        public override string Release => Path.GetFileName(HostFile.FullPath(Path.TrimEndingDirectorySeparator(directory)));

        public override string Advice => $"depmod {Release} makes it, with -b for a folder that is not the system's own";

        public override ByteSource? Open(string path)
        {
            string full = Path.Combine(directory, path);
            return HostFile.Exists(full) ? ByteSource.OpenFile(full) : null;
        }
    }

    private sealed class TreeModules(string initrd, string path, Node folder) : ModuleFolder
    {
        public override string Name => $"{initrd}: {path}";

        public override string Release => Path.GetFileName(path);

        public override string Advice => $"without it, nobody knows which modules there are{Hint}";

        public override string Hint => $"; name all that the kernel has: --kernel-modules /lib/modules/{Release}";

        public override ByteSource? Open(string name) =>
            folder.Find(name) is { Type: NodeType.RegularFile } file ? file.Content.Open($"{Name}/{name}") : null;
    }
}
