using Lamina.Tree;

namespace Lamina.Trust;

/// <summary>The fingerprint of a file's data, as mkfs.erofs writes it into an attribute: kernels share pages by it.</summary>
internal static class Fingerprint
{
    private static ReadOnlySpan<byte> Algorithm => "sha256:"u8;

    /// <summary>A file's fingerprint.</summary>
    /// <param name="xattrs">The file's attributes.</param>
    /// <param name="name">The attribute that has fingerprints.</param>
    /// <param name="value">The fingerprint, if there is one.</param>
    public static bool TryGet(XattrSet xattrs, ReadOnlySpan<byte> name, out ReadOnlyMemory<byte> value)
    {
        value = xattrs.Fingerprint;
        return !value.IsEmpty || xattrs.TryGet(name, out value);
    }

    /// <summary>The fingerprint of data.</summary>
    /// <param name="content">The file's data.</param>
    public static byte[] Of(Content content) =>
        [.. Algorithm, .. ContentDigest.Compute(content.Open("a file"), content.Size)];

    /// <summary>Whether it is that of the data; null if it is in no form that is known.</summary>
    /// <param name="value">The attribute's value.</param>
    /// <param name="content">The file's data.</param>
    public static bool? IsTrue(ReadOnlySpan<byte> value, Content content)
    {
        if (!value.StartsWith(Algorithm) || value.Length != Algorithm.Length + ContentDigest.Size)
            return null;
        byte[] digest = ContentDigest.Compute(content.Open("a file with a fingerprint"), content.Size);
        return digest.AsSpan().SequenceEqual(value[Algorithm.Length..]);
    }
}
