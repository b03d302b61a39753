using System.Buffers.Binary;
using System.Numerics;

namespace Lamina.Boot;

/// <summary>
/// SHA-256 (FIPS 180-4) in itself: .NET's own asks OpenSSL, which an initramfs does not have. Use that one wherever it is there.
/// </summary>
internal static class Sha256
{
    private const int BlockSize = 64, StepSize = 1 << 18, RoundCount = 64;

    private static readonly uint[] s_start = Roots(8, 2);
    private static readonly uint[] s_rounds = Roots(RoundCount, 3);

    /// <summary>The digest of all bytes of a source.</summary>
    public static byte[] Compute(ByteSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        uint[] state = [.. s_start];
        byte[] buffer = new byte[StepSize];
        long length = source.Length;
        for (long at = 0; ; at += StepSize)
        {
            int count = (int)Math.Min(StepSize, length - at);
            source.ReadExactly(at, buffer.AsSpan(0, count));
            if (count == StepSize)
            {
                Add(state, buffer);
                continue;
            }
            Add(state, Pad(buffer.AsSpan(0, count), length));
            break;
        }
        byte[] digest = new byte[32];
        for (int i = 0; i < state.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(digest.AsSpan(i * 4), state[i]);
        return digest;
    }

    private static byte[] Pad(ReadOnlySpan<byte> rest, long length)
    {
        byte[] last = new byte[(rest.Length + 9 + BlockSize - 1) / BlockSize * BlockSize];
        rest.CopyTo(last);
        last[rest.Length] = 0x80;
        BinaryPrimitives.WriteInt64BigEndian(last.AsSpan(last.Length - 8), length * 8);
        return last;
    }

    private static void Add(uint[] state, ReadOnlySpan<byte> bytes)
    {
        Span<uint> words = stackalloc uint[RoundCount];
        for (; !bytes.IsEmpty; bytes = bytes[BlockSize..])
        {
            for (int i = 0; i < 16; i++)
                words[i] = BinaryPrimitives.ReadUInt32BigEndian(bytes[(i * 4)..]);
            for (int i = 16; i < RoundCount; i++)
            {
                uint w15 = words[i - 15], w2 = words[i - 2];
                uint s0 = BitOperations.RotateRight(w15, 7) ^ BitOperations.RotateRight(w15, 18) ^ (w15 >> 3);
                uint s1 = BitOperations.RotateRight(w2, 17) ^ BitOperations.RotateRight(w2, 19) ^ (w2 >> 10);
                words[i] = words[i - 16] + s0 + words[i - 7] + s1;
            }
            Mix(state, words);
        }
    }

    private static void Mix(uint[] state, ReadOnlySpan<uint> words)
    {
        uint a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
        for (int i = 0; i < RoundCount; i++)
        {
            uint s1 = BitOperations.RotateRight(e, 6) ^ BitOperations.RotateRight(e, 11) ^ BitOperations.RotateRight(e, 25);
            uint t1 = h + s1 + ((e & f) ^ (~e & g)) + s_rounds[i] + words[i];
            uint s0 = BitOperations.RotateRight(a, 2) ^ BitOperations.RotateRight(a, 13) ^ BitOperations.RotateRight(a, 22);
            uint t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
            (h, g, f, e, d, c, b, a) = (g, f, e, d + t1, c, b, a, t1 + t2);
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
    }

    /// <summary>
    /// The constants are the first 32 bits behind the point of the roots of the first primes; whole numbers find them.
    /// </summary>
    private static uint[] Roots(int count, int degree)
    {
        uint[] roots = new uint[count];
        for (int n = 0, candidate = 2; n < count; candidate++)
        {
            if (Enumerable.Range(2, Math.Max(0, (int)Math.Sqrt(candidate) - 1)).Any(divisor => candidate % divisor == 0))
                continue;
            // The largest r with r^degree <= candidate * 2^(32*degree); its low 32 bits are behind the point.
            UInt128 low = 0, high = (UInt128)1 << 36;
            while (high - low > 1)
            {
                UInt128 middle = (low + high) / 2;
                bool isBelow = degree == 2 ? middle * middle <= (UInt128)candidate << 64
                    : IsCubeBelow(middle, (uint)candidate);
                (low, high) = isBelow ? (middle, high) : (low, middle);
            }
            roots[n++] = (uint)low;
        }
        return roots;
    }

    /// <summary>Whether r^3 is at most p * 2^96, without numbers of more than 128 bits: r is below 2^36.</summary>
    private static bool IsCubeBelow(UInt128 r, uint p) => r * r * r <= (UInt128)p << 96;
}
