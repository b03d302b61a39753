using System.Buffers.Binary;
using Lamina.Archives;
using Lamina.Tree;
using static Lamina.Tree.PosixAcl;

namespace Lamina.Layers;

/// <summary>
/// Turns a POSIX ACL from the text that <c>tar --acls</c> keeps (<c>user::rw-,user:1000:r--,...</c>) to the binary value that the
/// kernel keeps in <c>system.posix_acl_*</c> (<c>posix_acl_xattr_header</c> and its entries).
/// </summary>
internal static class TarAcl
{
    /// <summary>The binary value; null if the text says nothing.</summary>
    /// <exception cref="CorruptImageException">The text is not an ACL.</exception>
    /// <exception cref="UnsupportedImageException">It names users instead of numbering them.</exception>
    public static byte[]? ToBinary(TarPlace place, ReadOnlySpan<byte> text)
    {
        List<(ushort Tag, uint Id, ushort Permissions)> entries = [];
        foreach (Range part in text.SplitAny((byte)',', (byte)'\n'))
        {
            ReadOnlySpan<byte> entry = text[part];
            int comment = entry.IndexOf((byte)'#');
            entry = (comment < 0 ? entry : entry[..comment]).Trim(" \t\0"u8);
            if (!entry.IsEmpty)
                entries.Add(ParseEntry(place, entry));
        }
        if (entries.Count == 0)
            return null;
        entries.Sort();
        foreach (ushort needed in (ReadOnlySpan<ushort>)[UserObject, GroupObject, Other])
        {
            if (entries.Count(entry => entry.Tag == needed) != 1)
                throw place.Corrupt($"the ACL {TarPlace.Show(text)} lacks an entry for the owner, the group or the others");
        }
        byte[] binary = new byte[HeaderSize + EntrySize * entries.Count];
        BinaryPrimitives.WriteUInt32LittleEndian(binary, PosixAcl.Version);
        Span<byte> at = binary.AsSpan(HeaderSize);
        foreach ((ushort tag, uint id, ushort permissions) in entries)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(at, tag);
            BinaryPrimitives.WriteUInt16LittleEndian(at[2..], permissions);
            BinaryPrimitives.WriteUInt32LittleEndian(at[4..], id);
            at = at[EntrySize..];
        }
        return binary;
    }

    /// <summary>
    /// The nine permission bits that a file has once this ACL is set: those of the owner and of the others, and for the group
    /// the mask, or where there is none what the group itself may (<c>posix_acl_equiv_mode</c>). Null if it is no sound ACL.
    /// </summary>
    /// <param name="binary">The value of <c>system.posix_acl_access</c>.</param>
    /// <param name="isMinimal">Whether it says no more than those bits, so that the kernel keeps no attribute.</param>
    public static ushort? PermissionsOf(ReadOnlySpan<byte> binary, out bool isMinimal)
    {
        isMinimal = false;
        if (binary.Length < HeaderSize + 3 * EntrySize || (binary.Length - HeaderSize) % EntrySize != 0
            || BinaryPrimitives.ReadUInt32LittleEndian(binary) != PosixAcl.Version)
            return null;
        int? user = null, group = null, mask = null, other = null;
        isMinimal = binary.Length == HeaderSize + 3 * EntrySize;
        for (ReadOnlySpan<byte> at = binary[HeaderSize..]; !at.IsEmpty; at = at[EntrySize..])
        {
            int permissions = BinaryPrimitives.ReadUInt16LittleEndian(at[2..]) & 7;
            switch (BinaryPrimitives.ReadUInt16LittleEndian(at))
            {
                case UserObject:
                    user = permissions;
                    break;
                case GroupObject:
                    group = permissions;
                    break;
                case Mask:
                    mask = permissions;
                    break;
                case Other:
                    other = permissions;
                    break;
            }
        }
        isMinimal &= user is not null && group is not null && other is not null;
        return (ushort?)((user << 6) | ((mask ?? group) << 3) | other);
    }

    /// <summary>One entry: <c>tag:who:rwx</c>; star and bsdtar put the number of who behind it.</summary>
    private static (ushort Tag, uint Id, ushort Permissions) ParseEntry(TarPlace place, ReadOnlySpan<byte> entry)
    {
        Span<Range> parts = stackalloc Range[5];
        int count = 0;
        foreach (Range part in entry.Split((byte)':'))
            parts[Math.Min(count++, parts.Length - 1)] = part;
        ushort tag = 0;
        if (count is 3 or 4)
        {
            bool isNamed = !entry[parts[1]].IsEmpty;
            tag = entry[parts[0]] switch
            {
                [(byte)'u'] or [(byte)'u', (byte)'s', (byte)'e', (byte)'r'] => isNamed ? User : UserObject,
                [(byte)'g'] or [(byte)'g', (byte)'r', (byte)'o', (byte)'u', (byte)'p'] => isNamed ? Group : GroupObject,
                [(byte)'m'] or [(byte)'m', (byte)'a', (byte)'s', (byte)'k'] => Mask,
                [(byte)'o'] or [(byte)'o', (byte)'t', (byte)'h', (byte)'e', (byte)'r'] => Other,
                _ => 0,
            };
        }
        if (tag == 0 || !TryParsePermissions(entry[parts[2]], out ushort permissions))
            throw place.Corrupt($"the ACL entry {TarPlace.Show(entry)} is not known");
        if (tag is not (User or Group))
            return (tag, NoId, permissions);
        ReadOnlySpan<byte> who = count == 4 ? entry[parts[3]] : entry[parts[1]];
        if (!TarNumber.TryReadDecimal(who, out long id))
        {
            throw place.Unsupported($"the ACL entry {TarPlace.Show(entry)}, which has a name and no number",
                "Make the archive with tar --xattrs --xattrs-include='*', which keeps ACLs in numbers.");
        }
        if (id is < 0 or >= NoId)
            throw place.Corrupt($"the ACL entry {TarPlace.Show(entry)} has a number that cannot be");
        return (tag, (uint)id, permissions);
    }

    private static bool TryParsePermissions(ReadOnlySpan<byte> text, out ushort permissions)
    {
        permissions = 0;
        foreach (byte b in text)
        {
            int bit = b switch { (byte)'r' => 4, (byte)'w' => 2, (byte)'x' => 1, (byte)'-' => 0, _ => -1 };
            if (bit < 0)
                return false;
            permissions |= (ushort)bit;
        }
        return true;
    }
}
