using Lamina.Tests.Oracles;

namespace Lamina.Tests.Archives;

/// <summary>The programs that compress, run on bytes of a test.</summary>
internal static class Packers
{
    /// <summary>Commands that read standard input, each with what it is about.</summary>
    internal static readonly string[] All =
    [
        "gzip -1", "gzip -9", "pigz -b 128", "pigz -i -b 128",
        "xz -0", "xz -6 --check=crc32", "xz -6 --check=sha256", "xz -1 --check=none", "xz -1 --block-size=100000",
        "xz -1 -T2 --block-size=300000", "xz --lzma2=preset=6,lc=0,lp=4,pb=4,dict=64KiB",
        "xz --format=lzma -1", "xz --format=lzma --lzma1=preset=6,lc=4,pb=0,dict=64KiB",
        "zstd -3", "zstd -1 --no-check", "zstd -19 --long=27", "lz4 -1", "lz4 -9 -BD -B4", "lz4 -BX -B5 --content-size",
        "lz4 -1 --no-frame-crc", "lz4 -l", "bzip2 -1", "bzip2 -9",
    ];

    /// <summary>Those that say themselves where they end and have a sum of all that they hold.</summary>
    internal static readonly string[] Summed = ["gzip -6", "xz -6", "xz -6 --check=sha256", "zstd -3", "lz4 -1", "bzip2 -9"];

    /// <summary>Compresses bytes; skips the test without the program.</summary>
    internal static byte[] Pack(string command, ReadOnlySpan<byte> bytes)
    {
        string program = command.Split(' ')[0], plain = Scratch.NewPath("plain"), packed = plain + ".packed";
        Tools.Require(program);
        File.WriteAllBytes(plain, bytes);
        Tools.Run("/bin/sh", "-c", $"{command} -c < '{plain}' > '{packed}'").MustSucceed();
        return File.ReadAllBytes(packed);
    }
}
