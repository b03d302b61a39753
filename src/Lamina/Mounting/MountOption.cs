namespace Lamina.Mounting;

/// <summary>How a mount behaves, whatever the file system. The values are those of mount(2).</summary>
[Flags]
internal enum MountFlags
{
    /// <summary>Nothing special.</summary>
    None = 0,

    /// <summary>Writes are refused.</summary>
    ReadOnly = 1,

    /// <summary>Set-user-ID bits and file capabilities have no effect.</summary>
    NoSetUser = 2,

    /// <summary>Device nodes cannot be opened.</summary>
    NoDevices = 4,

    /// <summary>Programs cannot be run.</summary>
    NoExecute = 8,

    /// <summary>Access times are not updated.</summary>
    NoAccessTime = 1024,
}

/// <summary>An option of a file system: a name, and for most a value.</summary>
/// <param name="Key">The name.</param>
/// <param name="Value">The value; null for an option that has none.</param>
internal readonly record struct MountOption(string Key, string? Value = null)
{
    /// <inheritdoc/>
    public override string ToString() => Value is null ? Key : $"{Key}={Value}";

    /// <summary>
    /// Splits a list as mount(8) takes it, <c>nodev,dax=always</c>, into flags of any mount and options of the file system.
    /// </summary>
    /// <exception cref="ArgumentException">The list asks for a writable mount.</exception>
    public static (MountFlags Flags, IReadOnlyList<MountOption> Options) Parse(string? list)
    {
        MountFlags flags = MountFlags.None;
        List<MountOption> options = [];
        foreach (string part in (list ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (part == "rw")
                throw new ArgumentException("EROFS is read-only, the option rw cannot be met", nameof(list));
            MountFlags? flag = part switch
            {
                "ro" => MountFlags.ReadOnly,
                "nosuid" => MountFlags.NoSetUser,
                "nodev" => MountFlags.NoDevices,
                "noexec" => MountFlags.NoExecute,
                "noatime" => MountFlags.NoAccessTime,
                "defaults" => MountFlags.None,
                _ => null,
            };
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (flag is { } known)
                flags |= known;
            else
                options.Add(equals < 0 ? new MountOption(part) : new MountOption(part[..equals], part[(equals + 1)..]));
        }
        return (flags, options);
    }
}
