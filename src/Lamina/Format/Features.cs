namespace Lamina.Format;

/// <summary>Bits of <c>feature_compat</c>: a kernel that does not know one may mount all the same.</summary>
[Flags]
internal enum CompatibleFeatures : uint
{
    None = 0,
    SuperBlockChecksum = 0x01,
    ModificationTimes = 0x02,
    XattrFilter = 0x04,
    SharedXattrsInMetabox = 0x08,
    PlainXattrPrefixes = 0x10,
    InodeShareXattrs = 0x20,

    All = 0x3F,
}

/// <summary>
/// Bits of <c>feature_incompat</c>: a kernel that does not know one refuses to mount. Some bits serve two features.
/// </summary>
[Flags]
internal enum IncompatibleFeatures : uint
{
    None = 0,
    Lz4ZeroPadding = 0x001,

    /// <summary>COMPR_CFGS and BIG_PCLUSTER share the bit.</summary>
    CompressionConfigs = 0x002,
    ChunkedFiles = 0x004,

    /// <summary>DEVICE_TABLE and COMPR_HEAD2 share the bit.</summary>
    DeviceTable = 0x008,
    TailPacking = 0x010,

    /// <summary>FRAGMENTS and DEDUPE share the bit.</summary>
    Fragments = 0x020,
    XattrPrefixes = 0x040,
    Wide48Bit = 0x080,
    Metabox = 0x100,

    All = 0x1FF,
}

/// <summary>What each feature bit is called in the kernel's header, and the first Linux version that has it.</summary>
internal static class FeatureNames
{
    private static readonly (uint Bit, string Name, string Linux)[] s_compatible =
    [
        (0x01, "sb_chksum", "5.5"), (0x02, "mtime", "5.12"), (0x04, "xattr_filter", "6.6"),
        (0x08, "shared_ea_in_metabox", "6.18"), (0x10, "plain_xattr_pfx", "6.19"), (0x20, "ishare_xattrs", "7.0"),
    ];

    private static readonly (uint Bit, string Name, string Linux)[] s_incompatible =
    [
        (0x001, "lz4_0padding", "5.3"), (0x002, "compr_cfgs/big_pcluster", "5.13"), (0x004, "chunked_file", "5.15"),
        (0x008, "device_table/compr_head2", "5.16"), (0x010, "ztailpacking", "5.17"), (0x020, "fragments/dedupe", "6.1"),
        (0x040, "xattr_prefixes", "6.4"), (0x080, "48bit", "6.15"), (0x100, "metabox", "6.18"),
    ];

    /// <summary>Name and Linux version of each bit that is set; a bit nobody knows is named by its value.</summary>
    public static IEnumerable<(string Name, string Linux)> Of(CompatibleFeatures features) =>
        Of((uint)features, s_compatible, "compat");

    /// <inheritdoc cref="Of(CompatibleFeatures)"/>
    public static IEnumerable<(string Name, string Linux)> Of(IncompatibleFeatures features) =>
        Of((uint)features, s_incompatible, "incompat");

    private static IEnumerable<(string Name, string Linux)> Of(uint bits, (uint Bit, string Name, string Linux)[] table,
        string kind)
    {
        for (uint bit = 1; bit != 0; bit <<= 1)
        {
            if ((bits & bit) == 0)
                continue;
            (uint known, string name, string linux) = Array.Find(table, row => row.Bit == bit);
            yield return known != 0 ? (name, linux) : ($"{kind}-0x{bit:x}", "");
        }
    }
}
