using Lamina.Tree;

namespace Lamina.Reporting;

/// <summary>
/// Kernel modules, which are most of what an initrd takes, by the folder of the kernel's sources they come from.
/// </summary>
internal sealed class ModuleSizes
{
    /// <summary>Names of folders in a group: <c>drivers/net</c>.</summary>
    private const int Depth = 2;

    private readonly Dictionary<string, ModuleGroup> _groups = [];

    /// <summary>The groups, the most bytes first.</summary>
    public ModuleGroup[] Groups => [.. _groups.Values.OrderByDescending(group => group.Bytes)
        .ThenBy(group => group.Name, StringComparer.Ordinal)];

    /// <summary>Whether a name is that of a module, compressed or not.</summary>
    public static bool IsModule(ReadOnlySpan<byte> name) => name.EndsWith(".ko"u8) || name.EndsWith(".ko.zst"u8)
        || name.EndsWith(".ko.xz"u8) || name.EndsWith(".ko.gz"u8);

    /// <summary>Counts a file that is a module.</summary>
    public void Add(ReportFile file)
    {
        List<string> folders = [];
        for (ReportFile? at = file.Parent; at?.Parent is not null; at = at.Parent)
            folders.Insert(0, ShownText.Of(at.Name.Span));
        // /usr/lib/modules/6.12.9/kernel/drivers/net/ethernet: what is behind "kernel", or behind the version.
        int start = folders.IndexOf("kernel") + 1;
        if (start == 0)
            start = folders.IndexOf("modules") + 2;
        string name = start >= folders.Count ? "others" : string.Join('/', folders.Skip(start).Take(Depth));
        if (!_groups.TryGetValue(name, out ModuleGroup? group))
            _groups.Add(name, group = new ModuleGroup(name));
        group.Count++;
        group.Bytes = ByteCounts.Add(group.Bytes, file.Size);
        group.Stored = ByteCounts.Add(group.Stored, file.Stored);
    }
}
