using System.Buffers.Binary;
using Lamina.Tree;

namespace Lamina.Cli;

/// <summary>What rights a program gets, as getcap(8) prints them.</summary>
internal static class CapabilityText
{
    /// <summary>The names by bit (linux/capability.h), without the <c>cap_</c> in front.</summary>
    private const string Names = "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable " +
        "net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace " +
        "sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control " +
        "setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore";

    /// <summary>The capabilities of a file; null if it has none.</summary>
    public static string? Of(Node node)
    {
        if (!node.Xattrs.TryGet(FileCapability.Name, out ReadOnlyMemory<byte> value))
            return null;
        if (FileCapability.FaultOf(FileCapability.Name, value.Span) is not null)
            return "not valid";
        ReadOnlySpan<byte> words = value.Span;
        ulong permitted = Pair(words, 4, 12), inheritable = Pair(words, 8, 16);
        string how = (permitted != 0 ? "p" : "") + (inheritable != 0 ? "i" : "") + ((words[0] & 1) != 0 ? "e" : "");
        string[] names = Names.Split(' ');
        return string.Join(',', Enumerable.Range(0, 64).Where(bit => ((permitted | inheritable) >> bit & 1) != 0)
            .Select(bit => bit < names.Length ? $"cap_{names[bit]}" : $"cap_{bit}")) + "=" + how;
    }

    private static ulong Pair(ReadOnlySpan<byte> words, int low, int high) =>
        BinaryPrimitives.ReadUInt32LittleEndian(words[low..])
        | (ulong)BinaryPrimitives.ReadUInt32LittleEndian(words[high..]) << 32;
}
