using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lamina.Archives;
using Lamina.Boot.Signatures;
using Lamina.Images;
using Lamina.Platform;
using Lamina.Writing;

namespace Lamina.Boot;

/// <summary>What goes into a unified kernel image.</summary>
public sealed record UkiOptions : WorkOptions
{
    /// <summary>The EFI program in front: systemd-stub.</summary>
    public required string Stub { get; init; }

    /// <summary>The kernel.</summary>
    public required string Kernel { get; init; }

    /// <summary>Archives, in the order in which the kernel unpacks them.</summary>
    public IReadOnlyList<string> Initrds { get; init; } = [];

    /// <summary>The kernel command line; what the archives need is added.</summary>
    public string CommandLine { get; init; } = "";

    /// <summary>An os-release file that names the system in boot menus; null without.</summary>
    public string? OsRelease { get; init; }

    /// <summary>The kernel's release, as uname(1) gives it; null without.</summary>
    public string? KernelRelease { get; init; }

    /// <summary>
    /// Whether root hashes go into the command line: of what archives bring, and of <see cref="RootImage"/>.
    /// </summary>
    public bool HasVerity { get; init; }

    /// <summary>An image with a dm-verity tree behind it that the machine has on a disk; null without.</summary>
    public string? RootImage { get; init; }

    /// <summary>A certificate with its RSA key to sign the image with, for Secure Boot; null without.</summary>
    public X509Certificate2? Signer { get; init; }

    /// <summary>
    /// An uncompressed cpio with microcode that systemd-stub, 256 or newer, puts in front of the archives; null without.
    /// </summary>
    public string? Microcode { get; init; }

    /// <summary>Whether an existing file may be replaced.</summary>
    public bool Overwrite { get; init; }
}

/// <summary>What was made.</summary>
/// <param name="Path">The image.</param>
/// <param name="Length">In bytes.</param>
/// <param name="CommandLine">The whole command line in it.</param>
public sealed record UkiResult(string Path, long Length, string CommandLine)
{
    /// <summary>What may be meant, but would be odd: a sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>
/// Makes a unified kernel image: one EFI program that holds kernel, command line and initramfs, each a section behind
/// systemd-stub, which starts the one with the others. Sections lie end to end, as who signs programs demands, and end at pages;
/// nothing in the file changes from day to day.
/// </summary>
public static class UkiBuilder
{
    /// <summary>Writes an image. It appears whole or not at all.</summary>
    /// <exception cref="CorruptImageException">The stub is no EFI program, or a part is damaged.</exception>
    /// <exception cref="UnsupportedImageException">A part is not what it has to be, the stub has no room for sections, or the
    /// whole is too large.</exception>
    public static UkiResult Build(string path, UkiOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        List<ByteSource> opened = [];
        if (options.Signer is { } key)
            ProgramSigner.Check(key);
        try
        {
            ByteSource stub = Open(options.Stub, opened), kernel = Open(options.Kernel, opened);
            List<ByteSource> archives = [.. options.Initrds.Select(initrd => Open(initrd, opened))];
            ByteSource? osRelease = options.OsRelease is null ? null : Open(options.OsRelease, opened);
            ByteSource? microcode = options.Microcode is null ? null : Open(options.Microcode, opened);
            if (microcode is not null)
                UkiParts.CheckMicrocode(stub, microcode);
            UkiParts parts = UkiParts.Check(stub, kernel, archives, osRelease, options.KernelRelease);
            string commandLine = Complete(options, archives);
            InputFiles inputs = new InputFiles().Add(options.RootImage);
            opened.ForEach(part => inputs.Add(part));
            long total = opened.Sum(part => part.Length);
            using OutputFile output = new(path, options.Overwrite, inputs, progress: options.Counter(() => total));
            PeHeaders headers = parts.Stub;
            // What is added begins where the stub's sections end; its first part fills up to a page, and so do the others.
            long end = headers.CutBehindSections();
            output.CopyFrom(stub, 0, 0, end);
            end = Align(end, headers.FileAlignment);
            if (osRelease is not null)
                end = Add(output, headers, end, ".osrel", [osRelease]);
            end = Add(output, headers, end, ".cmdline",
                [ByteSource.FromMemory("command line", PathBytes.Encode(commandLine))]);
            if (options.KernelRelease is { } release)
                end = Add(output, headers, end, ".uname", [ByteSource.FromMemory("release", Encoding.UTF8.GetBytes(release))]);
            if (microcode is not null)
                end = Add(output, headers, end, ".ucode", [microcode]);
            if (archives.Count > 0)
                end = Add(output, headers, end, ".initrd", archives);
            end = Add(output, headers, end, ".linux", [kernel]);        // last: old stubs let it grow where it lies
            output.SetLength(end);
            output.Write(headers.Bytes, 0);
            if (options.Signer is { } signer)
                end = Sign(output, headers, end, signer);
            output.Commit();
            return new UkiResult(path, end, commandLine) { Warnings = parts.Warnings };
        }
        finally
        {
            opened.ForEach(source => source.Dispose());
        }
    }

    private static ByteSource Open(string path, List<ByteSource> opened)
    {
        opened.Add(ByteSource.OpenFile(path));
        return opened[^1];
    }

    /// <summary>Adds what archives ask of the kernel, and the root hashes if they are asked for, unless it is there.</summary>
    private static string Complete(UkiOptions options, List<ByteSource> archives)
    {
        BootOptions known = BootOptions.Parse(options.CommandLine);
        BootTrust trust = new();
        if (options.HasVerity)
        {
            trust = InitrdBuilder.TrustOf(archives);
            if (options.RootImage is { } image)
                trust = trust with { Main = RootHashOf(image, trust) };
            if (trust.ToString().Length == 0)
            {
                throw new ArgumentException("there is no root hash for the command line: no archive was made with " +
                    "lamina initrd --verity, and no image was named");
            }
            if (known.Trust is not null && known.Trust.ToString() != trust.ToString())
                throw new ArgumentException($"the command line trusts {known.Trust}, the archives and image have {trust}");
        }
        bool isRetained = options.CommandLine.Split(' ').Contains(InitrdBuilder.RetainOption);
        string needed = InitrdBuilder.NeededOptions(!isRetained && archives.Exists(InitrdBuilder.HasLayersInPlace),
            known.Trust is null ? trust : new BootTrust());
        return $"{options.CommandLine.Trim()} {needed}".Trim();
    }

    private static string RootHashOf(string image, BootTrust trust)
    {
        if (trust.Main is not null)
            throw new ArgumentException($"{image}: an archive has an index with a root hash already, and there can be one");
        return VerityImage.Find(image)?.RootHashText
            ?? throw new ArgumentException($"{image}: there is no dm-verity tree behind the image");
    }

    private static long Add(OutputFile output, PeHeaders headers, long position, string name, IReadOnlyList<ByteSource> parts)
    {
        long size = 0;
        foreach (ByteSource part in parts)
        {
            size = (size + CpioHeader.Alignment - 1) & ~(CpioHeader.Alignment - 1L);
            output.CopyFrom(part, 0, position + size, part.Length);
            size += part.Length;
        }
        if (position + size > uint.MaxValue - CpioWriter.PageSize)
            throw new UnsupportedImageException(name, $"{position + size} bytes; an EFI program has less than 4 GiB");
        long end = Align(position + size, Math.Max(CpioWriter.PageSize, headers.FileAlignment));
        headers.Add(name, (uint)size, (uint)position, (uint)(end - position));
        return end;
    }

    /// <summary>Puts a signature behind a program, and says in the headers where it is. Gives the new end.</summary>
    private static long Sign(OutputFile output, PeHeaders headers, long end, X509Certificate2 signer)
    {
        const int headSize = 8, alignment = 8;
        const ushort revision = 0x0200, signedData = 0x0002;        // WIN_CERTIFICATE
        byte[] message = ProgramSigner.Sign(Digest(output, headers, end), signer);
        byte[] entry = new byte[Align(headSize + message.Length, alignment)];
        BinaryPrimitives.WriteInt32LittleEndian(entry, entry.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(4), revision);
        BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(6), signedData);
        message.CopyTo(entry, headSize);
        headers.SetSignature(checked((uint)end), (uint)entry.Length);
        output.SetLength(end + entry.Length);
        output.Write(entry, end);
        output.Write(headers.Bytes, 0);
        return end + entry.Length;
    }

    private static byte[] Digest(OutputFile output, PeHeaders headers, long end)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((int offset, int length) in headers.SignedRuns)
            hash.AppendData(headers.Bytes.Slice(offset, length));
        ByteSource written = output.ReadBack("image");
        byte[] step = new byte[1 << 20];
        for (long at = headers.Bytes.Length; at < end;)
        {
            Span<byte> part = step.AsSpan(0, (int)Math.Min(step.Length, end - at));
            written.ReadExactly(at, part);
            hash.AppendData(part);
            at += part.Length;
        }
        return hash.GetHashAndReset();
    }

    private static long Align(long value, long alignment) => (value + alignment - 1) & ~(alignment - 1);
}
