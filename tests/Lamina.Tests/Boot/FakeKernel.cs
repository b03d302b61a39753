using System.Buffers.Binary;
using System.Text;

namespace Lamina.Tests.Boot;

/// <summary>The least that is a kernel which firmware could start: headers of a program, marks of Linux, and a section.</summary>
internal static class FakeKernel
{
    private const int PeAt = 0x40, OptionalSize = 240, SectionsAt = PeAt + 24 + OptionalSize, HeaderSize = 0x400;

    /// <summary>Writes one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="release">What it calls its release.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="machine">The kind of processor; x86-64.</param>
    internal static string Write(string path, string release = "6.12.9", int length = 8192, ushort machine = 0x8664)
    {
        byte[] bytes = new byte[length];
        "MZ"u8.CopyTo(bytes);
        "HdrS"u8.CopyTo(bytes.AsSpan(0x202));
        Number(0x3C, PeAt);
        "PE\0\0"u8.CopyTo(bytes.AsSpan(PeAt));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(PeAt + 4), machine);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(PeAt + 6), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(PeAt + 20), OptionalSize);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(PeAt + 24), 0x20B);
        Number(PeAt + 56, 4096);
        Number(PeAt + 60, 512);
        Number(PeAt + 84, HeaderSize);
        ".text"u8.CopyTo(bytes.AsSpan(SectionsAt));
        Number(SectionsAt + 8, length - HeaderSize);
        Number(SectionsAt + 12, 4096);
        Number(SectionsAt + 16, length - HeaderSize);
        Number(SectionsAt + 20, HeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(0x20E), 0x300 - 0x200);
        Encoding.ASCII.GetBytes($"{release} (builder@host) #1").CopyTo(bytes, 0x300);
        File.WriteAllBytes(path, bytes);
        return path;

        void Number(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), value);
    }
}
