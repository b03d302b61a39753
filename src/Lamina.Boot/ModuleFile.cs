using Lamina.Archives;

namespace Lamina.Boot;

/// <summary>A kernel module to load: a file, and whether a boot can do without.</summary>
/// <param name="Name">The module's name, hyphens as underscores.</param>
/// <param name="Path">The file: .ko, .ko.gz, .ko.xz or .ko.zst.</param>
/// <param name="IsOptional">Whether it only serves better (a faster check sum, say), and the machine may refuse it.</param>
internal sealed record ModuleFile(string Name, string Path, bool IsOptional)
{
    /// <summary>Modules are some hundred kilobytes; the largest GPU driver has less than this, in bytes.</summary>
    private const int MaxSize = 256 << 20;

    /// <summary>The module as the kernel loads it, decompressed.</summary>
    /// <exception cref="CorruptImageException">The file is no module, or its compression is damaged.</exception>
    public byte[] Read()
    {
        using ByteSource file = ByteSource.OpenFile(Path);
        string kind = System.IO.Path.GetExtension(Path);
        byte[] bytes = kind is ".ko" or ".xz" or ".zst" or ".gz" ? Read(file)
            : throw new UnsupportedImageException(Path,
                $"a module compressed as {kind}; .ko, .ko.gz, .ko.xz and .ko.zst are known");
        if (!bytes.AsSpan().StartsWith("\u007fELF"u8))
            throw new CorruptImageException(Path, "not a kernel module: no ELF magic", null, 0);
        return bytes;
    }

    private byte[] Read(ByteSource file)
    {
        using MemoryStream all = new();
        if (Packed.KindAt(file, 0) is not null)
        {
            Packed.DecodeAll(file, run => all.Write(Sized(run, all.Length)));
            return all.ToArray();
        }
        byte[] bytes = new byte[file.Length <= MaxSize ? (int)file.Length : throw TooLarge()];
        file.ReadExactly(0, bytes);
        return bytes;
    }

    private ReadOnlySpan<byte> Sized(ReadOnlySpan<byte> run, long before) =>
        before <= MaxSize - run.Length ? run : throw TooLarge();

    private CorruptImageException TooLarge() => new(Path, $"a module of more than {MaxSize} bytes");
}
