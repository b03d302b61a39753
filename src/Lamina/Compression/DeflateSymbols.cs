using System.Numerics;

namespace Lamina.Compression;

/// <summary>What a DEFLATE encoder calls a token, and the symbols that stand for it (RFC 1951, 3.2.5).</summary>
/// <remarks>
/// A token is a literal (its byte), or a copy: <see cref="CopyFlag"/>, the length less 3 from bit 16 on, the distance less 1
/// below.
/// </remarks>
internal static class DeflateSymbols
{
    /// <summary>Literals, the end of a block, and lengths.</summary>
    public const int Literals = 286;

    /// <summary>Distances.</summary>
    public const int Distances = 30;

    /// <summary>The symbol that ends a block.</summary>
    public const int EndOfBlock = 256;

    /// <summary>The shortest copy.</summary>
    public const int MinLength = 3;

    /// <summary>The longest copy.</summary>
    public const int MaxLength = 258;

    /// <summary>Tells copies from literals.</summary>
    public const uint CopyFlag = 1u << 31;

    private static readonly byte[] LengthCodes = MakeLengthCodes();

    /// <summary>How many bits are added to a length, by its symbol less 257.</summary>
    public static ReadOnlySpan<byte> LengthBits =>
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    /// <summary>The token of a copy.</summary>
    public static uint Copy(int length, int distance) => CopyFlag | ((uint)(length - MinLength) << 16) | (uint)(distance - 1);

    /// <summary>How many bytes a token decodes to.</summary>
    public static int LengthOf(uint token) => (token & CopyFlag) == 0 ? 1 : (int)((token >> 16) & 0xFF) + MinLength;

    /// <summary>The symbol of a copy's length.</summary>
    public static int LengthSymbol(uint token) => 257 + LengthCodes[(byte)(token >> 16)];

    /// <summary>The symbol of a copy's distance.</summary>
    public static int DistanceSymbol(uint token)
    {
        uint distance = token & 0x7FFF;
        if (distance < 4)
            return (int)distance;
        int log = BitOperations.Log2(distance);
        return 2 * log + (int)((distance >> (log - 1)) & 1);
    }

    /// <summary>How many bits are added to a distance.</summary>
    public static int DistanceBits(int symbol) => symbol < 4 ? 0 : symbol / 2 - 1;

    private static byte[] MakeLengthCodes()
    {
        byte[] codes = new byte[256];
        int next = 0;
        for (byte code = 0; code < 28; code++)
        {
            for (int i = 0; i < 1 << LengthBits[code]; i++)
                codes[next++] = code;
        }
        codes[255] = 28;                        // 258 has a symbol of its own
        return codes;
    }
}
