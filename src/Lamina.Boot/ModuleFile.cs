using Lamina.Archives;

namespace Lamina.Boot;

/// <summary>A kernel module to load: a file, and whether a boot can do without.</summary>
/// <param name="Name">The module's name, hyphens as underscores.</param>
/// <param name="Folder">The folder of the kernel's modules.</param>
/// <param name="Path">The file in it: .ko, .ko.gz, .ko.xz or .ko.zst.</param>
/// <param name="IsOptional">Whether it only serves better (a faster check sum, say), and the machine may refuse it.</param>
internal sealed record ModuleFile(string Name, ModuleFolder Folder, string Path, bool IsOptional)
{
    /// <summary>Modules are some hundred kilobytes; the largest GPU driver has less than this, in bytes.</summary>
    private const int MaxSize = 256 << 20;

    /// <summary>The module as the kernel loads it, decompressed.</summary>
    /// <exception cref="CorruptImageException">The file is no module, or its compression is damaged.</exception>
    /// <exception cref="FileNotFoundException">The folder's lists name a file that is not there.</exception>
    public byte[] Read()
    {
        using ByteSource file = Folder.Open(Path)
            ?? throw new FileNotFoundException($"{Folder.Name}/{Path}: there is no such file, though modules.dep names it");
        string kind = System.IO.Path.GetExtension(Path);
        byte[] bytes = kind is ".ko" or ".xz" or ".zst" or ".gz" ? Read(file)
            : throw new UnsupportedImageException(file.Name,
                $"a module compressed as {kind}; .ko, .ko.gz, .ko.xz and .ko.zst are known");
        if (!bytes.AsSpan().StartsWith("\u007fELF"u8))
            throw new CorruptImageException(file.Name, "not a kernel module: no ELF magic", null, 0);
        return bytes;
    }

    private static byte[] Read(ByteSource file)
    {
        using MemoryStream all = new();
        if (Packed.KindAt(file, 0) is not null)
        {
            Packed.DecodeAll(file, run => all.Write(Sized(file, run, all.Length)));
            return all.ToArray();
        }
        byte[] bytes = new byte[file.Length <= MaxSize ? (int)file.Length : throw TooLarge(file)];
        file.ReadExactly(0, bytes);
        return bytes;
    }

    private static ReadOnlySpan<byte> Sized(ByteSource file, ReadOnlySpan<byte> run, long before) =>
        before <= MaxSize - run.Length ? run : throw TooLarge(file);

    private static CorruptImageException TooLarge(ByteSource file) => new(file.Name, $"a module of more than {MaxSize} bytes");
}
