namespace Lamina.Compression;

/// <summary>What an LZMA stream's probabilities depend on.</summary>
/// <param name="LiteralContext">How many high bits of the byte before choose a literal's probabilities (<c>lc</c>).</param>
/// <param name="LiteralPosition">How many low bits of the position do (<c>lp</c>).</param>
/// <param name="Position">How many low bits of the position choose the others (<c>pb</c>).</param>
internal readonly record struct LzmaProperties(int LiteralContext, int LiteralPosition, int Position)
{
    /// <summary>
    /// The most that the first two may be together: what liblzma and the kernel take, so that memory is bounded.
    /// </summary>
    public const int MaxLiteralBits = 4;

    /// <summary>The most position bits.</summary>
    public const int MaxPosition = 4;

    /// <summary>Takes the properties byte apart: (pb * 5 + lp) * 9 + lc. Null if it is none.</summary>
    public static LzmaProperties? TryParse(byte value)
    {
        LzmaProperties properties = new(value % 9, value / 9 % 5, value / 45);
        int literalBits = properties.LiteralContext + properties.LiteralPosition;
        return literalBits <= MaxLiteralBits && properties.Position <= MaxPosition ? properties : null;
    }
}
