using System.Text;

namespace Lamina.Fuzz;

/// <summary>What a mutation must know of a tar: where a header is, and how it is summed.</summary>
internal static class TarBlock
{
    public const int Size = 512;

    private const int SumAt = 148, SumLength = 8, MagicAt = 257;

    public static bool IsHeader(byte[] archive, int at) => archive.AsSpan(at + MagicAt, 5).SequenceEqual("ustar"u8);

    /// <summary>Sums a header anew, so that what is behind the sum is reached.</summary>
    public static void Sum(Span<byte> header)
    {
        header.Slice(SumAt, SumLength).Fill((byte)' ');
        int sum = 0;
        foreach (byte value in header[..Size])
            sum += value;
        Encoding.ASCII.GetBytes($"{Convert.ToString(sum, 8).PadLeft(6, '0')}\0 ", header.Slice(SumAt, SumLength));
    }
}
