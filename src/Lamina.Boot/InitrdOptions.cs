using Lamina.Trust;
using Lamina.Writing;

namespace Lamina.Boot;

/// <summary>Where layers are while the system runs.</summary>
public enum InitrdForm
{
    /// <summary>As files in rootfs: every kernel can; while it unpacks, memory holds them twice.</summary>
    Files,

    /// <summary>
    /// Where the boot loader put them: the kernel passes over them, and with <c>retain_initrd</c> keeps them (Linux 6.6 and
    /// later).
    /// </summary>
    InPlace,
}

/// <summary>A layer that goes into an archive.</summary>
/// <param name="Path">The file.</param>
public sealed record InitrdLayer(string Path)
{
    /// <summary>
    /// Its name in the archive; null for a number and the file's name. The byte order of names is the order of layers.
    /// </summary>
    public string? Name { get; init; }

    /// <summary>Whether a boot goes on without it if it is damaged.</summary>
    public bool IsOptional { get; init; }

    /// <summary>Its name behind the number; null for the file's.</summary>
    internal string? Label { get; init; }

    /// <summary>The image, where it was built of the file; null if it is the file.</summary>
    internal ByteSource? Bytes { get; init; }
}

/// <summary>How an initramfs is made.</summary>
public sealed record InitrdOptions : WorkOptions
{
    /// <summary>Where layers are while the system runs.</summary>
    public InitrdForm Form { get; init; }

    /// <summary>The program /init; null for an archive with layers alone, which another one goes before.</summary>
    public string? Init { get; init; }

    /// <summary>lib/modules/RELEASE folders of the kernels that boot it. Without, the kernel must have all built in.</summary>
    public IReadOnlyList<string> KernelModules { get; init; } = [];

    /// <summary>Modules besides those that every boot needs: the driver of a disk, say.</summary>
    public IReadOnlyList<string> ExtraModules { get; init; } = [];

    /// <summary>Archives that go before all, as they are: early microcode.</summary>
    public IReadOnlyList<string> Early { get; init; } = [];

    /// <summary>A static program that a rescue can run as a shell; busybox.</summary>
    public string? RescueShell { get; init; }

    /// <summary>
    /// The number of the first layer that gets its name by number; null for 100, or 500 in an archive with layers alone, so
    /// that it comes on top.
    /// </summary>
    public int? FirstNumber { get; init; }

    /// <summary>Whether the layers are merged now, for a boot with just these layers.</summary>
    public bool HasIndex { get; init; }

    /// <summary>
    /// The initramfs that the lowest layers were built of: what is in front of it, its modules and the ways of its /init are
    /// kept. Null without.
    /// </summary>
    internal OtherInitrd? Other { get; init; }

    /// <summary>What an index made now may use.</summary>
    public KernelProfile? Kernel { get; init; }

    /// <summary>
    /// Give each layer a dm-verity tree and the archive a list of their root hashes, and the index a tree, so that a boot uses
    /// only what the command line names (<see cref="BootTrust"/>); null for none.
    /// </summary>
    public VerityOptions? Verity { get; init; }

    /// <summary>Whether an existing file may be replaced.</summary>
    public bool Overwrite { get; init; }
}

/// <summary>What was made.</summary>
/// <param name="Path">The archive.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Layers">The layers' names in it, lowest first.</param>
/// <param name="Modules">The modules in it, in the order to load them.</param>
/// <param name="CommandLine">What the kernel command line must have for it.</param>
public sealed record InitrdResult(
    string Path, long Length, IReadOnlyList<string> Layers, IReadOnlyList<string> Modules, string CommandLine)
{
    /// <summary>What may be meant, but would be odd: a sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
