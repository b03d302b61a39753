namespace Lamina.Fuzz;

/// <summary>
/// Where a judge is stricter than Lamina for a reason that is not the image's. Each has a name here, and is counted apart.
/// </summary>
internal static class Exceptions
{
    public const string Fsck = "fsck.erofs";

    private const int AccessDenied = 13, NotSupported = 95, Corrupted = 117;

    private const string Holes =
        "a cluster of no blocks is a hole since Linux 7.2, which older kernels and fsck.erofs do not know";

    private static readonly bool s_knowsHoles = Environment.OSVersion.Version >= new Version(7, 2);

    /// <summary>Why a refusal is none of Lamina's faults; null if it is one.</summary>
    public static string? ReasonFor(Refusal refusal) => refusal switch
    {
        // Capabilities count only over owners and groups that are somebody (capable_wrt_inode_uidgid).
        { Judge: KernelView.Kernel, Errno: AccessDenied } =>
            "the owner or group is 4294967295, nobody, over whom root has no rights but those of the mode",
        // Which of the two it answers so depends on what is in its memory; read alone each is read right.
        { Judge: KernelView.Kernel, Errno: NotSupported } when refusal.Call.StartsWith("read", StringComparison.Ordinal) =>
            "one cluster is encoded in two ways for two files, and the kernel keeps it for one of them",
        { Judge: Fsck } when refusal.Said.Contains("ZSTD decompress length mismatch", StringComparison.Ordinal) =>
            "fsck.erofs decodes the first Zstandard frame of a cluster only",
        { Judge: Fsck, HasHoles: true } when refusal.Said.Contains("cannot found CBLKCNT", StringComparison.Ordinal) => Holes,
        { Judge: KernelView.Kernel, HasHoles: true, Errno: Corrupted } when !s_knowsHoles
            && refusal.Call.StartsWith("read", StringComparison.Ordinal) => Holes,
        { Judge: Fsck, HasPartialBlock: true } => "fsck.erofs reads whole blocks, and the file ends within one",
        { Judge: KernelView.Kernel, HasLargeBlocks: true } => "the blocks are larger than the pages of this machine",
        _ => null,
    };
}
