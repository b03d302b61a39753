using Lamina.Archives;
using Lamina.Layers;
using Lamina.Tree;

namespace Lamina.Boot;

/// <summary>
/// An initramfs that another tool made: what stands in front of it for the processor, the tree that a kernel would unpack, the
/// modules in that, and what its /init expects of its root.
/// </summary>
internal sealed class OtherInitrd : IDisposable
{
    private const string ModulesFolder = "lib/modules";

    /// <summary>Programs that leave the root only if it is a ramfs or tmpfs, as they delete all of it.</summary>
    private static readonly string[] s_picky = ["bin/run-init", "sbin/run-init", "usr/lib/klibc/bin/run-init"];

    /// <summary>Where a switch_root may be that is busybox, which is as picky.</summary>
    private static readonly string[] s_switches = ["bin/switch_root", "sbin/switch_root", "usr/bin/switch_root",
        "usr/sbin/switch_root"];

    private readonly ByteSource _source;

    private OtherInitrd(ByteSource source, Layer tree, long earlyLength)
    {
        _source = source;
        Tree = tree;
        EarlyLength = earlyLength;
    }

    /// <summary>What a kernel would unpack.</summary>
    public Layer Tree { get; }

    /// <summary>The bytes in front that processor and kernel read before there are files: microcode, tables for ACPI.</summary>
    public ByteSource Early => ByteSource.Slice(_source, _source.Name, 0, EarlyLength);

    private long EarlyLength { get; }

    /// <summary>Whether it has a program that a kernel would start.</summary>
    public bool HasInit => Tree.Root.Find("init", followLinks: true) is { Type: NodeType.RegularFile };

    /// <summary>Whether its /init can only leave a root that is a ramfs or tmpfs.</summary>
    public bool NeedsMemoryRoot => !IsSystemd && (Array.Exists(s_picky, Has) || Array.Exists(s_switches, IsBusybox));

    /// <summary>What an archive made of it tells Lamina's /init.</summary>
    public string BootWords => new BootOptions
    {
        Start = BootStart.Initrd,
        RootOn = NeedsMemoryRoot ? RootBase.Tmpfs : RootBase.Layers,
    }.ToString();

    /// <summary>The folders of modules in it, one for each kernel.</summary>
    public IReadOnlyList<ModuleFolder> ModuleFolders =>
        Tree.Root.Find(ModulesFolder, followLinks: true) is not { IsDirectory: true } all ? []
            : [.. all.EnumerateEntries().Where(entry => entry.Node.IsDirectory)
                .Select(entry => ModuleFolder.Of(_source.Name, $"{ModulesFolder}/{entry}", entry.Node))];

    /// <summary>Takes an initramfs apart.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it becomes a tree.</param>
    /// <exception cref="CorruptImageException">It is cut off or damaged.</exception>
    /// <exception cref="UnsupportedImageException">It is none, or has no files but those for the processor.</exception>
    public static OtherInitrd Open(string path, LayerOptions options)
    {
        ByteSource source = ByteSource.OpenFile(path, options.SpoolBeside);
        Layer? tree = null;
        try
        {
            if (!CpioLayer.IsCpio(source))
                throw Refuse(source);
            tree = CpioLayer.Open(source, options);
            if (tree.Root.Find(BootFiles.Layers) is not null)
            {
                throw new UnsupportedImageException(path, "has layers in it: it was made by lamina initrd",
                    "What it was made of can be put together anew, or a layer be appended to it: lamina initrd --layer-only");
            }
            if (!tree.Root.EnumerateEntries().Any())
                throw new UnsupportedImageException(path, "holds nothing that a kernel would unpack");
            return new OtherInitrd(source, tree, CpioLayer.EarlyLength(source));
        }
        catch
        {
            tree?.Dispose();
            source.Dispose();
            throw;
        }
    }

    private static UnsupportedImageException Refuse(ByteSource source)
    {
        string kind = FileKind.Describe(source);
        return new UnsupportedImageException(source.Name, $"is {kind}, not an initramfs", kind switch
        {
            "an EFI program" => "Of a unified kernel image, take the part first: " +
                $"objcopy -O binary --only-section=.initrd {Platform.ShellText.Quote(source.Name)} initrd.img",
            _ when kind.StartsWith("compressed", StringComparison.Ordinal) && Packed.KindAt(source, 0) is null =>
                "Decompress it first.",
            _ => null,
        });
    }

    private bool IsSystemd => NameBehind("init") is "systemd";

    private bool Has(string path) => Tree.Root.Find(path, followLinks: true) is { Type: NodeType.RegularFile };

    /// <summary>Whether a program is busybox: a link to it, or the same file under another name.</summary>
    private bool IsBusybox(string path)
    {
        string[] places = ["bin/busybox", "usr/bin/busybox"];
        return NameBehind(path) is "busybox" || (Tree.Root.Find(path, followLinks: true) is { } program &&
            Array.Exists(places, place => Tree.Root.Find(place, followLinks: true) == program));
    }

    /// <summary>The name of the file that a path leads to by links; null if it leads nowhere.</summary>
    private string? NameBehind(string path)
    {
        PathWalk walk = new(Tree.Root, followLinks: true);
        return walk.TryGo(System.Text.Encoding.UTF8.GetBytes(path))
            ? Path.GetFileName(System.Text.Encoding.UTF8.GetString(walk.Path)) : null;
    }

    /// <inheritdoc/>
    public void Dispose() => Tree.Dispose();
}
