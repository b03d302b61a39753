using System.Buffers.Text;
using Lamina.Archives;
using Lamina.Tree;

namespace Lamina.Layers;

/// <summary>What the records of an entry give.</summary>
/// <param name="Set">Its extended attributes.</param>
/// <param name="Permissions">The nine permission bits that its ACL sets, if it has one.</param>
internal sealed record TarAttributes(XattrSet Set, ushort? Permissions)
{
    public static TarAttributes None { get; } = new(XattrSet.Empty, null);
}

/// <summary>
/// Makes extended attributes of the pax records that carry them. Entries with the same records share one set: most files of a
/// labelled tree have one of a few.
/// </summary>
internal sealed class TarXattrs
{
    /// <summary>Records longer than this are not remembered: they rarely come twice.</summary>
    private const int MaxSharedLength = 1024;

    private readonly Dictionary<byte[], TarAttributes> _known = new(TreeBuilder.NameComparer.Instance);

    private static ReadOnlySpan<byte> Plain => "SCHILY.xattr."u8;

    private static ReadOnlySpan<byte> Encoded => "LIBARCHIVE.xattr."u8;

    private static ReadOnlySpan<byte> AccessText => "SCHILY.acl.access"u8;

    private static ReadOnlySpan<byte> DefaultText => "SCHILY.acl.default"u8;

    private static ReadOnlySpan<byte> SelinuxText => "RHT.security.selinux"u8;

    /// <summary>Whether a pax record with this key is about an extended attribute.</summary>
    public static bool IsXattr(ReadOnlySpan<byte> key) =>
        key.StartsWith(Plain) || key.StartsWith(Encoded) || key.SequenceEqual(AccessText) || key.SequenceEqual(DefaultText)
        || key.SequenceEqual(SelinuxText);

    /// <summary>The attributes that records give. They were found to be records before.</summary>
    public TarAttributes Get(TarPlace place, ReadOnlySpan<byte> records)
    {
        if (records.IsEmpty)
            return TarAttributes.None;
        if (records.Length > MaxSharedLength)
            return Parse(place, records);
        Dictionary<byte[], TarAttributes>.AlternateLookup<ReadOnlySpan<byte>> known =
            _known.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (!known.TryGetValue(records, out TarAttributes? set))
            known[records] = set = Parse(place, records);
        return set;
    }

    private static TarAttributes Parse(TarPlace place, ReadOnlySpan<byte> bytes)
    {
        List<Xattr> encoded = EncodedOf(place, bytes), items = [.. encoded];
        byte[]? access = null, defaults = null;
        TarPaxRecords records = new(place, bytes);
        while (records.MoveNext())
        {
            ReadOnlySpan<byte> key = records.Key, value = records.Value;
            if (key.StartsWith(Plain))
            {
                if (!IsCopy(encoded, key[Plain.Length..], value))
                    items.Add(Checked(place, Unescape(key[Plain.Length..], true), value.ToArray()));
            }
            else if (key.StartsWith(Encoded))
                continue;
            else if (key.SequenceEqual(AccessText))
                access = value.ToArray();
            else if (key.SequenceEqual(DefaultText))
                defaults = value.ToArray();
            else                                                        // kept as text; the kernel's value ends in a NUL
                items.Add(Checked(place, "security.selinux"u8.ToArray(), [.. value, 0]));
        }
        AddAcl(place, items, PosixAcl.AccessName, access);
        AddAcl(place, items, PosixAcl.DefaultName, defaults);
        return Finish(items);
    }

    /// <summary>Finds the permissions that an ACL sets, and drops one that says no more than they do.</summary>
    private static TarAttributes Finish(List<Xattr> items)
    {
        XattrSet set = XattrSet.Create(items);
        if (!set.TryGet(PosixAcl.AccessName, out ReadOnlyMemory<byte> value))
            return new TarAttributes(set, null);
        ushort? permissions = TarAcl.PermissionsOf(value.Span, out bool isMinimal);
        if (isMinimal)
            set = XattrSet.Create(items.Where(item => !item.Name.Span.SequenceEqual(PosixAcl.AccessName)));
        return new TarAttributes(set, permissions);
    }

    /// <summary>The attributes that libarchive wrote: it says each a second time as the plain kind.</summary>
    private static List<Xattr> EncodedOf(TarPlace place, ReadOnlySpan<byte> bytes)
    {
        List<Xattr> items = [];
        TarPaxRecords records = new(place, bytes);
        while (records.MoveNext())
        {
            if (records.Key.StartsWith(Encoded))
                items.Add(Checked(place, Unescape(records.Key[Encoded.Length..], false), FromBase64(place, records.Value)));
        }
        return items;
    }

    /// <summary>
    /// Whether a plain record is that second time. Its name is not escaped there, so that with <c>=</c> in a name the record is
    /// cut in the wrong place: name and value are compared as one.
    /// </summary>
    private static bool IsCopy(List<Xattr> encoded, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        byte[]? body = encoded.Count == 0 ? null : [.. name, (byte)'=', .. value];
        byte[]? unescaped = encoded.Count == 0 ? null : Unescape(name, false);
        foreach (Xattr item in encoded)
        {
            if (item.Value.Span.SequenceEqual(value) && item.Name.Span.SequenceEqual(unescaped))
                return true;
            int length = item.Name.Length;
            if (body!.Length == length + 1 + item.Value.Length && body.AsSpan().StartsWith(item.Name.Span) && body[length] == '='
                && body.AsSpan(length + 1).SequenceEqual(item.Value.Span))
                return true;
        }
        return false;
    }

    /// <summary>Adds an ACL that is given as text, unless its binary form is there too: that needs no names of users.</summary>
    private static void AddAcl(TarPlace place, List<Xattr> items, ReadOnlySpan<byte> name, byte[]? text)
    {
        if (text is null)
            return;
        foreach (Xattr item in items)
        {
            if (item.Name.Span.SequenceEqual(name))
                return;
        }
        if (TarAcl.ToBinary(place, text) is { } binary)
            items.Add(Checked(place, name.ToArray(), binary));
    }

    private static Xattr Checked(TarPlace place, byte[] name, byte[] value)
    {
        if (name.Length is 0 or > XattrSet.MaxNameLength || name.Contains((byte)0))
            throw place.Corrupt($"the extended attribute {TarPlace.Show(name)} needs a name of 1 to 255 bytes without NUL");
        if (value.Length > XattrSet.MaxValueLength)
            throw place.Corrupt($"the extended attribute {TarPlace.Show(name)} has {value.Length} bytes, 65536 is the most");
        return new Xattr(name, value);
    }

    /// <summary>
    /// Undoes percent signs in names. GNU tar writes only <c>=</c> and <c>%</c> so, and other writers of its keyword nothing at
    /// all: other pairs of digits are kept there as they are.
    /// </summary>
    private static byte[] Unescape(ReadOnlySpan<byte> name, bool onlyGnu)
    {
        byte[] plain = new byte[name.Length];
        int length = 0;
        for (int i = 0; i < name.Length; i++)
        {
            plain[length] = name[i];
            if (name[i] == '%' && name.Length - i > 2
                && Utf8Parser.TryParse(name.Slice(i + 1, 2), out byte code, out int used, 'x') && used == 2
                && (!onlyGnu || code is (byte)'=' or (byte)'%'))
            {
                plain[length] = code;
                i += 2;
            }
            length++;
        }
        return plain[..length];
    }

    /// <summary>Decodes base64; libarchive leaves out the padding, others may not.</summary>
    private static byte[] FromBase64(TarPlace place, ReadOnlySpan<byte> text)
    {
        text = text.TrimEnd((byte)'=');
        byte[] padded = new byte[(text.Length + 3) / 4 * 4];
        padded.AsSpan().Fill((byte)'=');
        text.CopyTo(padded);
        byte[] value = new byte[padded.Length / 4 * 3];
        if (Base64.DecodeFromUtf8(padded, value, out _, out int written) != System.Buffers.OperationStatus.Done)
            throw place.Corrupt("the value of an extended attribute is not base64");
        return value[..written];
    }
}
