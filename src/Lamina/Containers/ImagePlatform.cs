using System.Runtime.InteropServices;

namespace Lamina.Containers;

/// <summary>What an image runs on.</summary>
/// <param name="System">The operating system, as Go calls it.</param>
/// <param name="Architecture">The processor, as Go calls it.</param>
/// <param name="Variant">Which kind of it; empty where that is not said.</param>
internal sealed record ImagePlatform(string System, string Architecture, string Variant)
{
    /// <summary>This machine.</summary>
    public static ImagePlatform Here { get; } = new("linux", RuntimeInformation.OSArchitecture switch
    {
        global::System.Runtime.InteropServices.Architecture.X64 => "amd64",
        global::System.Runtime.InteropServices.Architecture.X86 => "386",
        global::System.Runtime.InteropServices.Architecture.LoongArch64 => "loong64",
        var other => other.ToString().ToLowerInvariant(),
    }, "");

    /// <summary>Reads os/arch or os/arch/variant; null if the text is neither.</summary>
    public static ImagePlatform? TryParse(string text) => text.Split('/') switch
    {
        [{ Length: > 0 } system, { Length: > 0 } architecture] => new ImagePlatform(system, architecture, ""),
        [{ Length: > 0 } system, { Length: > 0 } architecture, { Length: > 0 } variant] =>
            new ImagePlatform(system, architecture, variant),
        _ => null,
    };

    /// <summary>Whether an image for another platform is what was asked for with this one.</summary>
    public bool Takes(ImagePlatform other) => System == other.System && Architecture == other.Architecture &&
        (Variant.Length == 0 || Variant == other.Variant || Variant == UsualVariant && other.Variant.Length == 0);

    /// <summary>The variant that is meant where none is said.</summary>
    private string UsualVariant => Architecture switch { "arm64" => "v8", "arm" => "v7", _ => "" };

    /// <inheritdoc/>
    public override string ToString() =>
        Variant.Length == 0 ? $"{System}/{Architecture}" : $"{System}/{Architecture}/{Variant}";
}
