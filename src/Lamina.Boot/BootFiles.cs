namespace Lamina.Boot;

/// <summary>
/// Where things are in an initramfs: what <see cref="InitrdBuilder"/> writes and /init looks for. Paths without a slash in
/// front.
/// </summary>
internal static class BootFiles
{
    /// <summary>Everything of ours but /init.</summary>
    public const string Folder = "lamina";

    /// <summary>The layers; byte order of their names is their order, lowest first.</summary>
    public const string Layers = "lamina/layers";

    /// <summary>A text for each archive that says which layers it brought.</summary>
    public const string Lists = "lamina/lists";

    /// <summary>
    /// An empty file for each layer that is a file, behind it in the archive. The kernel makes a file in its full length before
    /// it writes, and writes no further entry after a failure: what has no mark is not whole.
    /// </summary>
    public const string Marks = "lamina/marks";

    /// <summary>Modules, in a folder for each kernel release.</summary>
    public const string Modules = "lamina/modules";

    /// <summary>
    /// In a folder of modules: their names in the order to load them; a hyphen in front of those that may be refused. What only
    /// some boots need has an order of its own, with the name of what it is for behind this one and a hyphen.
    /// </summary>
    public const string ModuleOrder = "order";

    /// <summary>Lists of root hashes, each under a name that derives from its content.</summary>
    public const string RootHashes = "lamina/roothashes";

    /// <summary>A program that a rescue runs as a shell. Not /bin/sh: what is there comes on top of the layers.</summary>
    public const string Shell = "lamina/sh";

    /// <summary>An index made beforehand: a file, or in place as the layers are.</summary>
    public const string Index = "lamina/index.erofs";

    /// <summary>What the archive says of its tree, in words of a command line.</summary>
    public const string Options = "lamina/options";

    /// <summary>The programs of the new root that are looked for, in this order, if the command line names none.</summary>
    public static IReadOnlyList<string> InitPrograms { get; } = ["/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"];

    /// <summary>The kernel's own copy of the archives, kept with <c>retain_initrd</c>.</summary>
    public const string KernelCopy = "/sys/firmware/initrd";
}
