using System.Buffers.Text;
using System.Runtime.CompilerServices;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>
/// Gives files their owners, attributes, permissions and times, in the order that loses none: a change of owner clears set-user-id and
/// capabilities, and only a file that may be written takes user attributes.
/// </summary>
internal sealed unsafe class MetadataSetter(string target, bool setsOwners, Warnings warnings)
{
    /// <summary>Times that every file system holds: from 1970 to 2038. Others are looked at after they were set.</summary>
    private const long PlainSeconds = int.MaxValue;

    private const int MaxProcPath = 64 + HostName.BufferSize;

    /// <summary>For what is open: regular files and directories.</summary>
    public void Set(int descriptor, TreeItem item)
    {
        Node node = item.Node;
        if (setsOwners && HostCalls.SetOwner(descriptor, node.UserId, node.GroupId) != 0)
            throw HostError.Failure($"{target}{item.Path}: the owner cannot be set");
        foreach (ref readonly Xattr xattr in node.Xattrs.Items)
            SetAttribute(descriptor, null, item, xattr);
        if (HostCalls.SetMode(descriptor, node.Permissions) != 0)
            throw HostError.Failure($"{target}{item.Path}: the permissions cannot be set");
        TimeSpec* times = stackalloc TimeSpec[2];
        Fill(times, node);
        if (HostCalls.SetTimes(descriptor, times) != 0)
            throw HostError.Failure($"{target}{item.Path}: the time cannot be set");
        if ((ulong)node.Modified.Seconds > PlainSeconds)
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
        if (setsOwners && HostCalls.SetOwnerAt(directory, name, node.UserId, node.GroupId, flags) != 0)
            throw HostError.Failure($"{target}{item.Path}: the owner cannot be set");
        if (!node.Xattrs.IsEmpty)
        {
            byte* path = stackalloc byte[MaxProcPath];
            ProcPath(directory, item.Path.Name.Span, path);
            foreach (ref readonly Xattr xattr in node.Xattrs.Items)
                SetAttribute(-1, path, item, xattr);
        }
        // Links have no permissions of their own.
        if (node.Type != NodeType.SymbolicLink && HostCalls.SetModeAt(directory, name, node.Permissions, flags) != 0)
            throw HostError.Failure($"{target}{item.Path}: the permissions cannot be set");
        TimeSpec* times = stackalloc TimeSpec[2];
        Fill(times, node);
        if (HostCalls.SetTimesAt(directory, name, times, flags) != 0)
            throw HostError.Failure($"{target}{item.Path}: the time cannot be set");
        if ((ulong)node.Modified.Seconds > PlainSeconds)
            Compare(directory, name, flags, item);
    }

    private static void Fill(TimeSpec* times, Node node)
    {
        times[0] = new TimeSpec { Seconds = (nint)node.Modified.Seconds, Nanoseconds = (nint)node.Modified.Nanoseconds };
        times[1] = times[0];
    }

    /// <summary>
    /// A path that leads through the open directory, as no call before Linux 6.13 sets an attribute of a name in one. The name itself
    /// is the last in it, and is not followed.
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
