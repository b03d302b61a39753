using Lamina.Archives;
using Lamina.Layers;
using Lamina.Reading;

namespace Lamina.Boot;

/// <summary>What a file is that is not what was expected, for messages.</summary>
internal static class FileKind
{
    private const int LookedAt = 512;

    /// <summary>Says what a file is, in a few words.</summary>
    public static string Describe(ByteSource source)
    {
        byte[] bytes = new byte[LookedAt];
        ReadOnlySpan<byte> head = bytes.AsSpan(0, source.Read(0, bytes));
        if (head.IsEmpty)
            return "empty";
        if (ErofsImage.IsErofs(source))
            return "an EROFS image";
        if (TarLayer.IsTar(source))
            return "a tar";
        if (Packing.Find(source, 0, out _) is { } packing)
            return $"compressed with {packing}";
        if (head.StartsWith("MZ"u8))
            return "an EFI program";
        if (head.StartsWith("\u007fELF"u8))
            return "an ELF program";
        if (CpioHeader.HasMagic(head))
            return "a cpio archive";
        return head.ContainsAnyInRange((byte)0, (byte)8) ? "of no kind that is known" : "text";
    }
}
