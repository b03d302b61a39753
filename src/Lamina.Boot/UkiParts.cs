using System.Text;
using Lamina.Archives;
using Lamina.Layers;

namespace Lamina.Boot;

/// <summary>
/// The parts of a unified kernel image, looked at before they are put together: nobody looks again before the machine that does
/// not start.
/// </summary>
/// <param name="Stub">The headers of the program in front.</param>
/// <param name="Warnings">What may be meant, but would be odd.</param>
internal sealed record UkiParts(PeHeaders Stub, IReadOnlyList<string> Warnings)
{
    /// <summary>What systemd-stub looks for, and what only a finished image or another program has.</summary>
    private static readonly string[] s_own =
        [".linux", ".initrd", ".cmdline", ".osrel", ".uname", ".ucode", ".splash", ".dtb", ".profile", ".pcrsig", ".pcrpkey"];

    private const string MarkSection = ".sdmagic", MarkPrefix = "LoaderInfo: ", StubMark = "systemd-stub";
    private const int MarkLimit = 256, OsReleaseLimit = 64 << 10;

    /// <summary>Checks the parts.</summary>
    /// <exception cref="CorruptImageException">A part is damaged.</exception>
    /// <exception cref="UnsupportedImageException">A part is not what it has to be, or does not fit another.</exception>
    public static UkiParts Check(
        ByteSource stub, ByteSource kernel, IReadOnlyList<ByteSource> archives, ByteSource? osRelease, string? release)
    {
        List<string> warnings = [];
        PeHeaders headers = CheckStub(stub, warnings);
        KernelImage image = KernelImage.Read(kernel);
        if (image.Headers.Machine != headers.Machine)
        {
            throw new UnsupportedImageException(kernel.Name, $"is for another kind of processor (0x{image.Headers.Machine:x}) " +
                $"than {stub.Name} (0x{headers.Machine:x})");
        }
        if (release is not null && image.Release is { } own && own != release)
            warnings.Add($"{kernel.Name} calls its release {own}, not {release}");
        CheckArchives(archives, image.Release ?? release, warnings);
        if (osRelease is not null)
            CheckOsRelease(osRelease, warnings);
        return new UkiParts(headers, warnings);
    }

    private static PeHeaders CheckStub(ByteSource stub, List<string> warnings)
    {
        if (KernelImage.IsOne(stub))
            throw new UnsupportedImageException(stub.Name, "is a kernel, not systemd-stub");
        PeHeaders any = PeHeaders.ReadAny(stub);
        string mark = MarkOf(stub, any);
        if (any.Has(".linux"))
        {
            throw new UnsupportedImageException(stub.Name,
                "is a finished unified kernel image, not systemd-stub: it would start the kernel that it has already");
        }
        if (Array.Find(s_own, any.Has) is { } section)
        {
            string what = mark.Length > 0 ? $"calls itself {mark}" : "is not systemd-stub";
            throw new UnsupportedImageException(stub.Name, $"{what}: it has a section {section} already");
        }
        if (!mark.StartsWith(StubMark, StringComparison.Ordinal))
            warnings.Add($"{stub.Name} does not call itself systemd-stub; another program may not find what is put behind it");
        return PeHeaders.Read(stub);
    }

    /// <summary>Checks that microcode is what processors read, and that the stub knows the section it is in.</summary>
    /// <exception cref="UnsupportedImageException">It is not, or the stub is older than systemd 256.</exception>
    public static void CheckMicrocode(ByteSource stub, ByteSource microcode)
    {
        const int firstVersion = 256;
        if (!CpioReader.IsCpio(microcode) || CpioLayer.EarlyLength(microcode) < microcode.Length - CpioWriter.PageSize)
        {
            throw new UnsupportedImageException(microcode.Name,
                $"is {FileKind.Describe(microcode)} and no uncompressed archive of microcode alone, which processors read");
        }
        PeHeaders headers = PeHeaders.ReadAny(stub);
        string mark = MarkOf(stub, headers), number = string.Concat(mark[Math.Min(mark.Length, StubMark.Length)..].Trim()
            .TakeWhile(char.IsAsciiDigit));
        if (int.TryParse(number, System.Globalization.CultureInfo.InvariantCulture, out int version) && version < firstVersion)
        {
            throw new UnsupportedImageException(stub.Name, $"calls itself {mark}; it takes {firstVersion} to find microcode",
                "Name the microcode as the first --initrd instead: that works with any stub.");
        }
    }

    private static string MarkOf(ByteSource stub, PeHeaders headers) =>
        Encoding.ASCII.GetString(headers.ReadSection(stub, MarkSection, MarkLimit))
            .Trim('#', ' ', '\0').Replace(MarkPrefix, "", StringComparison.Ordinal);

    private static void CheckArchives(IReadOnlyList<ByteSource> archives, string? release, List<string> warnings)
    {
        ArchiveCheck[] checks = [.. archives.Select(ArchiveCheck.Read)];
        warnings.AddRange(ArchiveSet.Check(archives));
        for (int i = 0; i < checks.Length; i++)
        {
            if (release is not null && ArchiveSet.HasLayersInPlace(archives[i]) && !BootIndex.KeepsArchives(release))
                throw BootIndex.RefuseInPlace(archives[i].Name, release);
        }
        if (checks.Length > 0 && !Array.Exists(checks, check => check.HasInit || check.IsPacked))
            warnings.Add("no archive has /init: archives with layers alone belong behind one that has it");
        string[] releases = [.. checks.SelectMany(check => check.ModuleReleases).Distinct().Order(StringComparer.Ordinal)];
        if (release is not null && releases.Length > 0 && !releases.Contains(release))
            warnings.Add($"the archives have modules for {string.Join(", ", releases)}, but the kernel is {release}");
    }

    private static void CheckOsRelease(ByteSource osRelease, List<string> warnings)
    {
        byte[] text = new byte[Math.Min(osRelease.Length, OsReleaseLimit)];
        osRelease.ReadExactly(0, text);
        if (osRelease.Length > OsReleaseLimit || text.AsSpan().Contains((byte)0))
        {
            throw new UnsupportedImageException(osRelease.Name,
                $"is {FileKind.Describe(osRelease)}, not a text like /etc/os-release");
        }
        string[] lines = Encoding.UTF8.GetString(text).Split('\n');
        string[] names = ["ID=", "NAME=", "PRETTY_NAME=", "IMAGE_ID="];
        if (!lines.Any(line => names.Any(name => line.StartsWith(name, StringComparison.Ordinal))))
            warnings.Add($"{osRelease.Name} has none of {string.Join(", ", names)}; boot menus may not show the image");
    }
}
