using System.Globalization;
using Lamina.Boot;

namespace Lamina.Init;

/// <summary>The block device that <c>lamina.root=</c> means. Drivers find disks while we run, so it is waited for.</summary>
internal static class RootDevice
{
    /// <summary>Slow disks need seconds; a device that is not there by then will not come, in milliseconds.</summary>
    private const int Patience = 20_000;

    private const string Label = "LABEL=", Partition = "PARTUUID=", Blocks = "/sys/class/block";

    /// <summary>Waits for the device and gives its path.</summary>
    /// <param name="option">The option that asks for it, for messages.</param>
    /// <param name="what">What that says.</param>
    /// <exception cref="BootFailure">It does not appear.</exception>
    public static string Find(string option, string what)
    {
        string? found = null;
        _ = Native.WaitForChange("/dev", Patience, () => (found = Look(what)) is not null);
        return found ?? throw new BootFailure(
            $"{option}={what}: no such block device within {Patience / 1000} s; there are: {string.Join(", ", Names())}");
    }

    private static string? Look(string what)
    {
        if (what.StartsWith(Label, StringComparison.Ordinal))
            return Names().Select(Device).FirstOrDefault(path => Ask(path, BootIndex.LabelOf) == what[Label.Length..]);
        if (what.StartsWith(Partition, StringComparison.Ordinal))
            return Names().Select(name => PartitionOn(name, what[Partition.Length..])).FirstOrDefault(path => path is not null);
        return NativeFiles.IsBlockDevice(what) ? what : null;
    }

    private static string? PartitionOn(string disk, string id)
    {
        int? number = File.Exists($"{Blocks}/{disk}/partition") ? null
            : Ask<int?>(Device(disk), source => PartitionTable.Find(source, id));
        if (number is not { } wanted)
            return null;
        string text = wanted.ToString(CultureInfo.InvariantCulture);
        string? name = Names().FirstOrDefault(name => File.Exists($"{Blocks}/{disk}/{name}/partition") &&
            File.ReadAllText($"{Blocks}/{disk}/{name}/partition").Trim() == text);
        return name is null ? null : Device(name);
    }

    /// <summary>Looks into a device; one without a medium, or that fails, is none we look for.</summary>
    private static T? Ask<T>(string path, Func<ByteSource, T?> question)
    {
        try
        {
            using ByteSource source = ByteSource.OpenFile(path);
            return question(source);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CorruptImageException)
        {
            return default;
        }
    }

    private static string[] Names() =>
        [.. Directory.GetFileSystemEntries(Blocks).Select(path => Path.GetFileName(path))
            .Where(name => !name.StartsWith("loop", StringComparison.Ordinal)
                && !name.StartsWith("ram", StringComparison.Ordinal) && !name.StartsWith("dm-", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];

    // In sysfs a slash in a device's name is an exclamation mark.
    private static string Device(string name) => $"/dev/{name.Replace('!', '/')}";
}
