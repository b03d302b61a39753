using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace Lamina.Boot.Signatures;

/// <summary>
/// Checks RSASSA-PSS signatures (RFC 8017, 8.1.2 and 9.1.2) with salts of any length: openssl takes the longest that fits, and
/// the base library knows only salts as long as the digest.
/// </summary>
internal static class PssSignature
{
    private const byte Trailer = 0xBC;

    /// <summary>Whether a signature of a digest was made with the key that belongs to this one.</summary>
    public static bool IsOf(ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature, RSAParameters key, SignatureAlgorithm how)
    {
        BigInteger modulus = Number(key.Modulus), number = Number(signature);
        if (signature.Length != key.Modulus!.Length || number >= modulus)
            return false;
        int bits = (int)modulus.GetBitLength() - 1;
        byte[] message = new byte[(bits + 7) / 8];
        BigInteger power = BigInteger.ModPow(number, Number(key.Exponent), modulus);
        byte[] bytes = power.ToByteArray(isUnsigned: true, isBigEndian: true);
        if (bytes.Length > message.Length)
            return false;
        bytes.CopyTo(message, message.Length - bytes.Length);
        return IsEncoded(digest, message, bits, how);
    }

    /// <summary>EMSA-PSS-VERIFY: masked zeros, a one, salt; then the hash of zeros, digest and salt; then a trailer.</summary>
    private static bool IsEncoded(ReadOnlySpan<byte> digest, byte[] message, int bits, SignatureAlgorithm how)
    {
        int zeros = message.Length - 2 - digest.Length - how.SaltLength;
        if (zeros < 0 || message[^1] != Trailer)
            return false;
        Span<byte> block = message.AsSpan(0, message.Length - digest.Length - 1);
        ReadOnlySpan<byte> hash = message.AsSpan(block.Length, digest.Length);
        byte allowed = (byte)(0xFF >> (8 * message.Length - bits));
        if ((block[0] & ~allowed) != 0)
            return false;
        Unmask(block, hash, how.Digest);
        block[0] &= allowed;
        if (block[..zeros].ContainsAnyExcept((byte)0) || block[zeros] != 1)
            return false;
        byte[] check = CryptographicOperations.HashData(how.Digest, [.. new byte[8], .. digest, .. block[(zeros + 1)..]]);
        return hash.SequenceEqual(check);
    }

    /// <summary>MGF1 (RFC 8017, B.2.1), exclusive-ored into a block.</summary>
    private static void Unmask(Span<byte> block, ReadOnlySpan<byte> seed, HashAlgorithmName digest)
    {
        byte[] counted = [.. seed, 0, 0, 0, 0];
        for (int at = 0, count = 0; at < block.Length; count++)
        {
            BinaryPrimitives.WriteInt32BigEndian(counted.AsSpan(seed.Length), count);
            foreach (byte mask in CryptographicOperations.HashData(digest, counted).AsSpan())
            {
                if (at == block.Length)
                    return;
                block[at++] ^= mask;
            }
        }
    }

    private static BigInteger Number(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true, isBigEndian: true);
}
