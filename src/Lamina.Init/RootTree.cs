using System.Globalization;
using Lamina.Boot;
using Lamina.Mounting;

namespace Lamina.Init;

/// <summary>The mounted tree that becomes the root: the layers, and what lies over them.</summary>
internal sealed class RootTree
{
    /// <summary>The directory where it is to be seen.</summary>
    public const string Path = "/lamina/root";

    private const string Over = "/lamina/over", Upper = $"{Over}/upper", Work = $"{Over}/workdir";

    /// <summary>
    /// mount(2) takes a page of options; a longer list of layers goes through a context, where each has an option.
    /// </summary>
    private const int OptionLimit = 4000;

    private readonly IReadOnlyList<string> _lowestFirst;

    private readonly bool _isWritable;
    private bool _isOverlay;
    private string? _upper;

    private RootTree(IReadOnlyList<string> lowestFirst, bool isWritable)
    {
        _lowestFirst = lowestFirst;
        _isWritable = isWritable;
    }

    /// <summary>Mounts the layers, and over them what the command line asks for.</summary>
    /// <param name="layers">The layers.</param>
    /// <param name="options">What the command line says.</param>
    /// <param name="release">The running kernel.</param>
    /// <param name="others">What is to be written to the root before it is anybody's.</param>
    public static RootTree Mount(LayerSet layers, BootOptions options, string release, OtherFiles others)
    {
        Directory.CreateDirectory(Path);
        RootTree tree = new(LayerMounts.Mount(layers, options.Stacking, release), options.Overlay == RootOverlay.Tmpfs);
        if (!tree._isWritable && tree._lowestFirst.Count == 1 && !others.AreKept)
        {
            tree.Move();
            return tree;
        }
        Modules.Require("overlay", release);
        tree.MountOverlay(tree._lowestFirst, tree._isWritable || others.AreKept ? others.Size : null);
        return tree;
    }

    /// <summary>
    /// Makes the root what the command line asks for, now that all is in it: what was written to one that is to be read-only
    /// becomes its uppermost layer.
    /// </summary>
    public void Finish()
    {
        if (_upper is not null && !_isWritable)
        {
            MountCall.Unmount(Path);
            MountOverlay([.. _lowestFirst, _upper], null);
        }
        if (_upper is not null)
            MountCall.Unmount(Over, lazy: true);
        if (_isOverlay)
        {
            foreach (string directory in _lowestFirst)
                MountCall.Unmount(directory, lazy: true);       // the overlay keeps them; nobody needs to see them twice
            KernelLog.Say(_isWritable ? "overlay of a tmpfs on top" : "overlay, read-only");
        }
    }

    private void Move()
    {
        if (Native.Mount(_lowestFirst[0], Path, null, Native.MoveMount, null) != 0)
            throw new BootFailure($"moving {_lowestFirst[0]} to {Path}: {Native.LastError}");
    }

    /// <param name="lowestFirst">The directories.</param>
    /// <param name="size">What is about to be written, in bytes; null for an overlay that takes nothing.</param>
    private void MountOverlay(IReadOnlyList<string> lowestFirst, long? size)
    {
        List<string> upperFirst = [.. lowestFirst.Reverse()];
        string joined = string.Join(':', upperFirst);
        bool isLong = joined.Length > OptionLimit;
        List<MountOption> options = isLong
            ? [.. upperFirst.Select(directory => new MountOption("lowerdir+", directory))]
                : [new MountOption("lowerdir", joined)];
        if (size is { } bytes)
        {
            _upper = Upper;
            MakeUpper(bytes, upperFirst[0]);
            options.AddRange([new MountOption("upperdir", Upper), new MountOption("workdir", Work)]);
        }
        MountFlags flags = size is null ? MountFlags.ReadOnly : MountFlags.None;
        MountCall.Mount("overlay", "lamina", Path, flags, options, context: isLong);
        _isOverlay = true;
    }

    private static void MakeUpper(long size, string below)
    {
        List<MountOption> options = [new MountOption("mode", "0755")];
        // Half of the memory is what a tmpfs may take by itself; what comes into it now is in memory already.
        if (size > 0)
        {
            long limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2 + size;
            options.Add(new MountOption("size", (limit & -4096).ToString(CultureInfo.InvariantCulture)));
        }
        Directory.CreateDirectory(Over);
        MountCall.Mount("tmpfs", "lamina", Over, MountFlags.None, options);
        Directory.CreateDirectory(Upper);
        Directory.CreateDirectory(Work);
        NativeFiles.CopyAttributes(below, Upper);       // the overlay's root shows those of its upper directory
    }
}
