using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>Reads the extended attributes of files in open directories: names and values as bytes, links not followed.</summary>
internal sealed unsafe class HostXattrs
{
    /// <summary>XATTR_LIST_MAX, and XATTR_SIZE_MAX: the kernel gives no more.</summary>
    private const int Limit = 1 << 16;

    private readonly byte[] _list = new byte[Limit], _value = new byte[Limit];

    /// <summary>Reads those of a name in an open directory.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="name">The name.</param>
    /// <param name="refuse">Takes what cannot be read: which attribute, empty for all, and the errno.</param>
    public XattrSet Read(int directory, ReadOnlySpan<byte> name, Action<string, int> refuse)
    {
        byte[] path = [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory}/")),
            .. name, 0];
        List<Xattr> found = [];
        fixed (byte* file = path, list = _list, value = _value)
        {
            nint length = DirectoryCalls.ListAttributes(file, list, Limit);
            if (length < 0 && Marshal.GetLastPInvokeError() is not Errno.NotSupported and int errno)
                refuse("", errno);
            for (ReadOnlySpan<byte> rest = _list.AsSpan(0, (int)Math.Max(0, length)); !rest.IsEmpty;)
            {
                int end = rest.IndexOf((byte)0);
                byte[] attribute = rest[..end].ToArray();
                byte[] terminated = rest[..(end + 1)].ToArray();
                rest = rest[(end + 1)..];
                nint size;
                fixed (byte* text = terminated)
                    size = DirectoryCalls.GetAttribute(file, text, value, Limit);
                if (size < 0)
                    refuse(ShownText.Of(attribute), Marshal.GetLastPInvokeError());
                else
                    found.Add(new Xattr(attribute, _value.AsSpan(0, (int)size).ToArray()));
            }
        }
        return found.Count == 0 ? XattrSet.Empty : XattrSet.Create(found);
    }
}
