using System.Text;

namespace Lamina.Cli;

/// <summary>
/// Writes the tar of the demonstration, as any container build would: a configuration, and a mark that removes a file.
/// </summary>
internal static class DemoTar
{
    private const int BlockSize = 512;

    /// <summary>2026-01-02, so that it is newer than what it replaces.</summary>
    private const long Modified = 1767312000;

    public static void Write(string path)
    {
        using FileStream stream = new(path, FileMode.CreateNew);
        Add(stream, "etc/", "", '5', 0b111_101_101);
        Add(stream, "etc/hostname", "demo\n", '0', 0b110_100_100);
        Add(stream, "etc/.wh.hosts", "", '0', 0b110_100_100);
        Add(stream, "app/", "", '5', 0b111_101_101);
        Add(stream, "app/serve", "#!/bin/sh\nexec cat /app/pages/\"${1:-1}.txt\"\n", '0', 0b111_101_101);
        Add(stream, "app/settings", "pages=24\nlanguage=en\n", '0', 0b110_000_000);
        stream.Write(new byte[2 * BlockSize]);
    }

    private static void Add(FileStream stream, string name, string text, char type, int mode)
    {
        byte[] data = Encoding.UTF8.GetBytes(text);
        byte[] header = new byte[BlockSize];
        Encoding.ASCII.GetBytes(name, header);
        Octal(header.AsSpan(100, 8), mode);
        Octal(header.AsSpan(108, 8), 0);
        Octal(header.AsSpan(116, 8), 0);
        Octal(header.AsSpan(124, 12), data.Length);
        Octal(header.AsSpan(136, 12), Modified);
        header.AsSpan(148, 8).Fill((byte)' ');          // the checksum counts as spaces in its own sum
        header[156] = (byte)type;
        "ustar\000"u8.CopyTo(header.AsSpan(257));
        Octal(header.AsSpan(148, 8), header.Sum(value => value));
        stream.Write(header);
        stream.Write(data);
        stream.Write(new byte[(BlockSize - data.Length % BlockSize) % BlockSize]);
    }

    private static void Octal(Span<byte> field, long value) =>
        Encoding.ASCII.GetBytes(Convert.ToString(value, 8).PadLeft(field.Length - 1, '0').AsSpan(), field);
}
