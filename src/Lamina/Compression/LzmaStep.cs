namespace Lamina.Compression;

/// <summary>What a step of a parse copies from: nothing, one of the last four distances, or a distance.</summary>
internal static class LzmaStep
{
    /// <summary>A literal.</summary>
    public const uint Literal = uint.MaxValue;

    /// <summary>From here on: a distance less 1. Below: one of the last distances.</summary>
    public const uint FirstDistance = 4;
}
