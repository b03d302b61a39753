using Lamina.Platform;
using SharpCompress.Compressors.Xz;
using ZstdSharp;

namespace Lamina.Boot;

/// <summary>A kernel module to load: a file, and whether a boot can do without.</summary>
/// <param name="Name">The module's name, hyphens as underscores.</param>
/// <param name="Path">The file: .ko, .ko.xz or .ko.zst.</param>
/// <param name="IsOptional">Whether it only serves better (a faster check sum, say), and the machine may refuse it.</param>
internal sealed record ModuleFile(string Name, string Path, bool IsOptional)
{
    /// <summary>Modules are some hundred kilobytes; the largest GPU driver has less than this, in bytes.</summary>
    private const int MaxSize = 256 << 20;

    /// <summary>The module as the kernel loads it, decompressed.</summary>
    /// <exception cref="CorruptImageException">The file is no module, or its compression is damaged.</exception>
    public byte[] Read()
    {
        using FileStream file = HostFile.OpenStream(Path);
        byte[] bytes = System.IO.Path.GetExtension(Path) switch
        {
            ".ko" => Drain(file),
            ".xz" => Decompress(() => new XZStream(file)),
            ".zst" => Decompress(() => new DecompressionStream(file)),
            string other => throw new UnsupportedImageException(Path,
                $"a module compressed as {other}; .ko, .ko.xz and .ko.zst are known"),
        };
        if (!bytes.AsSpan().StartsWith("\u007fELF"u8))
            throw new CorruptImageException(Path, "not a kernel module: no ELF magic", null, 0);
        return bytes;
    }

    private byte[] Decompress(Func<Stream> open)
    {
        try
        {
            using Stream stream = open();
            return Drain(stream);
        }
        catch (Exception damage) when (damage is not (
            CorruptImageException or UnsupportedImageException or UnauthorizedAccessException))
        {
            throw new CorruptImageException(Path, $"cannot be decompressed: {damage.Message}");
        }
    }

    private byte[] Drain(Stream stream)
    {
        using MemoryStream all = new();
        byte[] step = new byte[1 << 16];
        for (int count; (count = stream.Read(step)) > 0;)
        {
            if (all.Length + count > MaxSize)
                throw new CorruptImageException(Path, $"a module of more than {MaxSize} bytes");
            all.Write(step, 0, count);
        }
        return all.ToArray();
    }
}
