using System.Runtime.CompilerServices;
using Lamina.Platform;

namespace Lamina.Exporting;

/// <summary>
/// What it takes to extract into a directory that is there: an earlier extraction may have left it without the permission to
/// write for its owner, as the tree says.
/// </summary>
internal static unsafe class DirectoryRights
{
    private const uint OwnerAll = 0x1C0;                                // 0700

    /// <summary>
    /// Gives the owner of a directory all rights on it; the rights of others stay, and its own come back when it is finished.
    /// Who is not the owner changes nothing, and gets to know what is missing when something is made in it.
    /// </summary>
    /// <returns>The permissions it had, if they were changed.</returns>
    public static uint? Widen(int directory, byte* name, int flags)
    {
        byte* status = stackalloc byte[HostCalls.StatusSize];
        const uint mask = HostCalls.StatusPermissions | HostCalls.StatusOwners;
        if (HostCalls.Status(directory, name, flags, mask, status) != 0)
            return null;
        uint mode = Unsafe.ReadUnaligned<ushort>(status + HostCalls.StatusMode) & 0xFFFu;
        uint owner = Unsafe.ReadUnaligned<uint>(status + HostCalls.StatusUser);
        if ((mode & OwnerAll) == OwnerAll || owner != HostCalls.EffectiveUser())
            return null;
        return HostCalls.SetModeAt(directory, name, mode | OwnerAll, flags) == 0 ? mode : null;
    }

    /// <summary>The same for a directory by its path, as a user named it: links in it are followed.</summary>
    public static uint? Widen(string path)
    {
        fixed (byte* bytes = PathBytes.EncodeTerminated(path))
            return Widen(HostCalls.CurrentFolder, bytes, 0);
    }
}
