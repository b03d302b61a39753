using System.Buffers.Binary;
using System.Text;

namespace Lamina.Boot;

/// <summary>A Linux kernel that firmware can start: an EFI program with the marks of a kernel.</summary>
/// <param name="Headers">Its headers as a program.</param>
/// <param name="Release">Its release, as uname(1) gives it; null where the image does not say it.</param>
internal sealed record KernelImage(PeHeaders Headers, string? Release)
{
    private const int HeadSize = 1024;

    // Documentation/arch/x86/boot.rst: the setup header.
    private const int SetupMagicAt = 0x202, VersionAt = 0x20E, VersionBase = 0x200, VersionLimit = 256;

    // Documentation/arch/arm64/booting.rst, and riscv; drivers/firmware/efi/libstub/zboot-header.S
    private const int ArmMagicAt = 56, PackedMagicAt = 4;

    /// <summary>Whether a file has the marks of a kernel, whether or not firmware can start it.</summary>
    public static bool IsOne(ByteSource source)
    {
        byte[] head = new byte[HeadSize];
        _ = source.Read(0, head);
        return HasMark(head);
    }

    /// <summary>Reads a kernel.</summary>
    /// <exception cref="CorruptImageException">It is cut off, or contradicts itself.</exception>
    /// <exception cref="UnsupportedImageException">It is no kernel, or firmware cannot start it.</exception>
    public static KernelImage Read(ByteSource source)
    {
        byte[] head = new byte[HeadSize];
        _ = source.Read(0, head);
        bool isProgram = head.AsSpan().StartsWith("MZ"u8), isKernel = HasMark(head);
        if (!isProgram && isKernel)
        {
            throw new UnsupportedImageException(source.Name, "is a kernel that firmware cannot start: it has no EFI stub",
                "It takes one that was built with CONFIG_EFI_STUB.");
        }
        if (!isProgram)
            throw Refusal(source, FileKind.Describe(source));
        PeHeaders headers = PeHeaders.ReadAny(source);
        if (headers.Has(".linux"))
            throw Refusal(source, "a finished unified kernel image");
        if (!isKernel)
            throw Refusal(source, "an EFI program");
        return new KernelImage(headers, ReleaseOf(source, head));
    }

    private static UnsupportedImageException Refusal(ByteSource source, string kind) => new(source.Name,
        $"is {kind}, not a kernel", kind.StartsWith("compressed", StringComparison.Ordinal) ? "Decompress it first." : null);

    private static bool HasMark(ReadOnlySpan<byte> head) => head[SetupMagicAt..].StartsWith("HdrS"u8)
        || head[ArmMagicAt..].StartsWith("ARM\u0064"u8) || head[ArmMagicAt..].StartsWith("RSC\u0005"u8)
        || head[PackedMagicAt..].StartsWith("zimg"u8);

    private static string? ReleaseOf(ByteSource source, ReadOnlySpan<byte> head)
    {
        int at = BinaryPrimitives.ReadUInt16LittleEndian(head[VersionAt..]);
        if (!head[SetupMagicAt..].StartsWith("HdrS"u8) || at == 0)
            return null;
        byte[] text = new byte[VersionLimit];
        _ = source.Read(VersionBase + at, text);
        string version = Encoding.ASCII.GetString(text).Split(' ', '\0')[0];
        return version.Length > 0 ? version : null;
    }
}
