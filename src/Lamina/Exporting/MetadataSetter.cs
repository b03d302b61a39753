using System.Buffers.Text;
using System.Runtime.CompilerServices;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>
/// Gives files their owners, attributes, permissions and times, in the order that loses none: a change of owner clears
/// set-user-id and capabilities, and only a file that may be written takes user attributes.
/// </summary>
internal sealed unsafe class MetadataSetter(string target, bool setsOwners, bool tellsLostBits, Warnings warnings)
{
    /// <summary>Times that every file system holds: from 1970 to 2038. Others are looked at after they were set.</summary>
    private const long PlainSeconds = int.MaxValue;

    private const uint SetUserId = 0x800, SetGroupId = 0x400;

    private readonly uint _user = HostCalls.EffectiveUser();
    private readonly uint _group = HostCalls.EffectiveGroup();

    private const int MaxProcPath = 64 + HostName.BufferSize;

    /// <summary>For what is open: regular files and directories.</summary>
    public void Set(int descriptor, TreeItem item)
    {
        Node node = item.Node;
        bool isOwned = setsOwners && Check(HostCalls.SetOwner(descriptor, node.UserId, node.GroupId), item.Path, "the owner");
        foreach (ref readonly Xattr xattr in node.Xattrs.Items)
            SetAttribute(descriptor, null, item, xattr);
        Check(HostCalls.SetMode(descriptor, Permissions(item, isOwned)), item.Path, "the permissions");
        TimeSpec* times = stackalloc TimeSpec[2];
        Fill(times, node);
        if (Check(HostCalls.SetTimes(descriptor, times), item.Path, "the time") && (ulong)node.Modified.Seconds > PlainSeconds)
        {
            byte empty = 0;
            Compare(descriptor, &empty, HostCalls.EmptyPath, item);
        }
    }

    /// <summary>For what cannot be opened without effects: links, devices, pipes, sockets.</summary>
    public void Set(int directory, byte* name, TreeItem item)
    {
        Node node = item.Node;
        const int flags = HostCalls.LinkNoFollow;
        bool isOwned = setsOwners
            && Check(HostCalls.SetOwnerAt(directory, name, node.UserId, node.GroupId, flags), item.Path, "the owner");
        if (!node.Xattrs.IsEmpty)
        {
            byte* path = stackalloc byte[MaxProcPath];
            ProcPath(directory, item.Path.Name.Span, path);
            foreach (ref readonly Xattr xattr in node.Xattrs.Items)
                SetAttribute(-1, path, item, xattr);
        }
        // Links have no permissions of their own.
        if (node.Type != NodeType.SymbolicLink)
            Check(HostCalls.SetModeAt(directory, name, Permissions(item, isOwned), flags), item.Path, "the permissions");
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

    /// <summary>
    /// Permissions for a file that may have got another owner than it has in the tree: what runs with the rights of its owner
    /// must not get those of somebody else.
    /// </summary>
    private uint Permissions(TreeItem item, bool isOwned)
    {
        Node node = item.Node;
        uint mode = node.Permissions;
        if (isOwned || node.IsDirectory)                                // for a directory these bits only say who owns new files
            return mode;
        if (node.UserId != _user)
            mode &= ~SetUserId;
        if (node.GroupId != _group)
            mode &= ~SetGroupId;
        if (mode != node.Permissions && tellsLostBits)
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
        byte* name = stackalloc byte[HostName.BufferSize];
        if (key.Length > XattrSet.MaxNameLength || key.Contains((byte)0))
        {
            warnings.Add(item.Path, $"the attribute {ItemPath.Show(key)} has a name that no file can have");
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
            warnings.Add(item.Path, $"the attribute {ItemPath.Show(key)} cannot be set: {HostError.Text(HostError.Last)}");
    }

    /// <summary>File systems round times that they cannot hold, without a word.</summary>
    private void Compare(int directory, byte* name, int flags, TreeItem item)
    {
        byte* status = stackalloc byte[HostCalls.StatusSize];
        if (HostCalls.Status(directory, name, flags, HostCalls.StatusMask, status) != 0)
            throw HostError.Failure($"{target}{item.Path}: cannot be looked at");
        Timestamp time = new(Unsafe.ReadUnaligned<long>(status + HostCalls.StatusSeconds),
            Unsafe.ReadUnaligned<uint>(status + HostCalls.StatusSeconds + 8));
        if (time != item.Node.Modified)
            warnings.Add(item.Path, "the file system cannot hold a time so long ago or so far ahead");
    }
}
