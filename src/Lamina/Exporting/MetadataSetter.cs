using System.Buffers.Text;
using System.Runtime.CompilerServices;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>
/// Gives files their owners, attributes, permissions and times, in the order that loses none: a change of owner clears
/// set-user-id and capabilities, and only a file that may be written takes user attributes.
/// </summary>
internal sealed unsafe class MetadataSetter(string target, bool setsOwners, bool keepsPrivileges, Warnings warnings)
{
    /// <summary>To chown(2) this number is not an owner but the order to leave the one there is.</summary>
    private const uint NoOwner = uint.MaxValue;

    /// <summary>Times that every file system holds: from 1970 to 2038. Others are looked at after they were set.</summary>
    private const long PlainSeconds = int.MaxValue;

    private const uint SetUserId = 0x800, SetGroupId = 0x400;

    private static ReadOnlySpan<byte> Capabilities => "security.capability"u8;

    private const int MaxProcPath = 64 + HostName.BufferSize;

    /// <summary>For what is open: regular files and directories.</summary>
    public void Set(int descriptor, TreeItem item)
    {
        Node node = item.Node;
        if (SetsOwner(item))
            Check(HostCalls.SetOwner(descriptor, node.UserId, node.GroupId), item.Path, "the owner");
        foreach (ref readonly Xattr xattr in node.Xattrs.Items)
            SetAttribute(descriptor, null, item, xattr);
        byte empty = 0;
        uint mode = Permissions(descriptor, &empty, HostCalls.EmptyPath, item);
        Check(HostCalls.SetMode(descriptor, mode), item.Path, "the permissions");
        TimeSpec* times = stackalloc TimeSpec[2];
        Fill(times, node);
        if (Check(HostCalls.SetTimes(descriptor, times), item.Path, "the time") && (ulong)node.Modified.Seconds > PlainSeconds)
        {
            Compare(descriptor, &empty, HostCalls.EmptyPath, item);
        }
    }

    /// <summary>For what cannot be opened without effects: links, devices, pipes, sockets.</summary>
    public void Set(int directory, byte* name, TreeItem item)
    {
        Node node = item.Node;
        const int flags = HostCalls.LinkNoFollow;
        if (SetsOwner(item))
            Check(HostCalls.SetOwnerAt(directory, name, node.UserId, node.GroupId, flags), item.Path, "the owner");
        if (!node.Xattrs.IsEmpty)
        {
            byte* path = stackalloc byte[MaxProcPath];
            ProcPath(directory, item.Path.Name.Span, path);
            foreach (ref readonly Xattr xattr in node.Xattrs.Items)
                SetAttribute(-1, path, item, xattr);
        }
        // Links have no permissions of their own.
        if (node.Type != NodeType.SymbolicLink)
        {
            uint mode = Permissions(directory, name, flags, item);
            Check(HostCalls.SetModeAt(directory, name, mode, flags), item.Path, "the permissions");
        }
        TimeSpec* times = stackalloc TimeSpec[2];
        Fill(times, node);
        bool isTimed = Check(HostCalls.SetTimesAt(directory, name, times, flags), item.Path, "the time");
        if (isTimed && (ulong)node.Modified.Seconds > PlainSeconds)
            Compare(directory, name, flags, item);
    }

    /// <summary>
    /// A right that is missing, an owner that a user namespace does not know and a file system without the like are reasons for a
    /// warning; all else ends the extraction.
    /// </summary>
    private bool Check(int result, ItemPath path, string what)
    {
        if (result == 0)
            return true;
        int errno = HostError.Last;
        if (errno is not (HostError.NotPermitted or HostError.Invalid or HostError.NotSupported))
            throw HostError.Failure($"{target}{path}: {what} cannot be set", errno);
        warnings.Add(path, $"{what} cannot be set: {HostError.Text(errno)}");
        return false;
    }

    /// <summary>Whether the file is to get owner and group of the tree; tells of those that no file can be given.</summary>
    private bool SetsOwner(TreeItem item)
    {
        if (setsOwners && (item.Node.UserId == NoOwner || item.Node.GroupId == NoOwner))
            warnings.Add(item.Path, $"the owner or the group is {NoOwner}, which no file can be given");
        return setsOwners;
    }

    /// <summary>
    /// Permissions for a file that may have got another owner than it has in the tree: what runs with the rights of its owner
    /// must not get those of somebody else. The file itself is asked who that is: a call may have been left out, have failed,
    /// or have done less than it said, and in some directories new files get the group of the directory.
    /// </summary>
    private uint Permissions(int directory, byte* name, int flags, TreeItem item)
    {
        Node node = item.Node;
        uint mode = node.Permissions;
        if ((mode & (SetUserId | SetGroupId)) == 0)
            return mode;
        if (!keepsPrivileges)
            return mode & ~(SetUserId | SetGroupId);
        byte* status = stackalloc byte[HostCalls.StatusSize];
        Look(directory, name, flags, HostCalls.StatusOwners, status, item);
        if (Unsafe.ReadUnaligned<uint>(status + HostCalls.StatusUser) != node.UserId)
            mode &= ~SetUserId;
        if (Unsafe.ReadUnaligned<uint>(status + HostCalls.StatusGroup) != node.GroupId)
            mode &= ~SetGroupId;
        if (mode != node.Permissions)
            warnings.Add(item.Path,
                "set-user-id and set-group-id are left out, as the file belongs to somebody else than in the image");
        return mode;
    }

    private static void Fill(TimeSpec* times, Node node)
    {
        times[0] = new TimeSpec { Seconds = (nint)node.Modified.Seconds, Nanoseconds = (nint)node.Modified.Nanoseconds };
        times[1] = times[0];
    }

    /// <summary>
    /// A path that leads through the open directory, as no call before Linux 6.13 sets an attribute of a name in one. The name
    /// itself is the last in it, and is not followed.
    /// </summary>
    private static void ProcPath(int directory, ReadOnlySpan<byte> name, byte* buffer)
    {
        Span<byte> path = new(buffer, MaxProcPath);
        "/proc/self/fd/"u8.CopyTo(path);
        path = path["/proc/self/fd/"u8.Length..];
        Utf8Formatter.TryFormat(directory, path, out int digits);
        path[digits] = (byte)'/';
        path = path[(digits + 1)..];
        name.CopyTo(path);
        path[name.Length] = 0;
    }

    private void SetAttribute(int descriptor, byte* path, TreeItem item, in Xattr xattr)
    {
        ReadOnlySpan<byte> key = xattr.Name.Span;
        if (!keepsPrivileges && key.SequenceEqual(Capabilities))
            return;
        byte* name = stackalloc byte[HostName.BufferSize];
        if (key.Length > XattrSet.MaxNameLength || key.Contains((byte)0))
        {
            warnings.Add(item.Path, $"the attribute {ShownText.Of(key)} has a name that no file can have");
            return;
        }
        HostName.Copy(key, name);
        int result;
        fixed (byte* value = xattr.Value.Span)
        {
            byte none = 0;
            byte* bytes = value == null ? &none : value;
            result = path == null
                ? HostCalls.SetAttribute(descriptor, name, bytes, xattr.Value.Length, 0)
                : HostCalls.SetAttributeOfLink(path, name, bytes, xattr.Value.Length, 0);
        }
        if (result != 0)
            warnings.Add(item.Path, $"the attribute {ShownText.Of(key)} cannot be set: {HostError.Text(HostError.Last)}");
    }

    /// <summary>File systems round times that they cannot hold, without a word.</summary>
    private void Compare(int directory, byte* name, int flags, TreeItem item)
    {
        byte* status = stackalloc byte[HostCalls.StatusSize];
        Look(directory, name, flags, HostCalls.StatusTime, status, item);
        Timestamp time = new(Unsafe.ReadUnaligned<long>(status + HostCalls.StatusSeconds),
            Unsafe.ReadUnaligned<uint>(status + HostCalls.StatusSeconds + 8));
        if (time != item.Node.Modified)
            warnings.Add(item.Path, "the file system cannot hold a time so long ago or so far ahead");
    }

    private void Look(int directory, byte* name, int flags, uint mask, byte* status, TreeItem item)
    {
        if (HostCalls.Status(directory, name, flags, mask, status) != 0)
            throw HostError.Failure($"{target}{item.Path}: cannot be looked at");
    }
}
