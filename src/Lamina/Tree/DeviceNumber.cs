namespace Lamina.Tree;

/// <summary>A device number as the kernel's <c>new_encode_dev</c> packs it into 32 bits: 12 bits of major, 20 of minor.</summary>
/// <param name="Value">The packed value.</param>
public readonly record struct DeviceNumber(uint Value)
{
    /// <summary>The largest major number that can be kept.</summary>
    public const uint MaxMajor = (1 << 12) - 1;

    /// <summary>The largest minor number that can be kept.</summary>
    public const uint MaxMinor = (1 << 20) - 1;

    /// <summary>Packs a major and a minor number. Callers check the bounds, so that they can name the entry at fault.</summary>
    public static DeviceNumber Of(uint major, uint minor) =>
        new((minor & 0xFF) | (major << 8) | ((minor & ~0xFFu) << 12));

    /// <summary>The major number.</summary>
    public uint Major => (Value & 0xFFF00) >> 8;

    /// <summary>The minor number.</summary>
    public uint Minor => (Value & 0xFF) | ((Value >> 12) & 0xFFF00);
}
