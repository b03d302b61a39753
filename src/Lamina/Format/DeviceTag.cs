using System.Buffers.Text;
using System.Text;

namespace Lamina.Format;

/// <summary>What the tag of a device slot says about the device.</summary>
internal enum DeviceTagKind
{
    /// <summary>Nothing that could be checked: zeros, or another tool's text such as a name.</summary>
    None,

    /// <summary>The SHA-256 of the whole device.</summary>
    Digest,

    /// <summary>The root hash of the dm-verity tree that stands behind the device's data, of SHA-256 digests.</summary>
    RootHash,
}

/// <summary>
/// The tag of a device slot as Lamina writes it. Version 0 is the SHA-256 in 64 hexadecimal digits, which fill it. Version 1 is
/// <c>verity1:</c> and the root hash in base64url without padding, 43 letters; zeros follow.
/// </summary>
/// <param name="Kind">What it says.</param>
/// <param name="Value">The digest or root hash, 32 bytes; empty for none.</param>
internal readonly record struct DeviceTag(DeviceTagKind Kind, ReadOnlyMemory<byte> Value)
{
    private const int ValueSize = 32, Base64Size = 43;

    private static ReadOnlySpan<byte> RootHashPrefix => "verity1:"u8;

    /// <summary>The digest or root hash in hexadecimal digits.</summary>
    public string Text => Convert.ToHexStringLower(Value.Span);

    /// <summary>Reads a tag. What is not ours, in any detail, says nothing.</summary>
    public static DeviceTag Parse(ReadOnlySpan<byte> tag)
    {
        byte[] value = new byte[ValueSize];
        if (tag.StartsWith(RootHashPrefix))
        {
            ReadOnlySpan<byte> letters = tag[RootHashPrefix.Length..].TrimEnd((byte)0);
            bool isSound = letters.Length == Base64Size && Base64Url.IsValid(letters, out int length) && length == ValueSize &&
                Base64Url.TryDecodeFromUtf8(letters, value, out _);
            return isSound ? new DeviceTag(DeviceTagKind.RootHash, value) : default;
        }
        bool isDigest = tag.Length == ValueSize * 2 &&
            Convert.FromHexString(Encoding.Latin1.GetString(tag), value, out _, out _) == System.Buffers.OperationStatus.Done;
        return isDigest ? new DeviceTag(DeviceTagKind.Digest, value) : default;
    }

    /// <summary>The tag as it stands in the slot.</summary>
    public byte[] ToBytes() => Kind switch
    {
        DeviceTagKind.RootHash => [.. RootHashPrefix, .. Base64Url.EncodeToUtf8(Value.Span)],
        DeviceTagKind.Digest => Encoding.ASCII.GetBytes(Text),
        _ => [],
    };
}
