namespace Lamina;

/// <summary>
/// The input is sound but uses something that cannot be done: a feature that is not known, or a combination no kernel mounts.
/// </summary>
public sealed class UnsupportedImageException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="source">The file or layer, as the user named it.</param>
    /// <param name="feature">The feature or combination, by name.</param>
    /// <param name="advice">What the user can do instead, if anything; shown on a line of its own.</param>
    public UnsupportedImageException(string source, string feature, string? advice = null)
        : base($"{source}: {feature}")
    {
        Feature = feature;
        Advice = advice;
    }

    /// <summary>The feature or combination that is not supported.</summary>
    public string Feature { get; }

    /// <summary>What to do instead, where there is something.</summary>
    public string? Advice { get; }
}
