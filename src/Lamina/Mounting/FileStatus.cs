using System.Runtime.InteropServices;
using System.Text;

namespace Lamina.Mounting;

/// <summary>What statx(2) tells about a file. Its layout, unlike that of stat(2), is the same on every architecture.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal unsafe struct FileStatus
{
    internal const uint TypeMask = 0xF000, BlockDevice = 0x6000, RegularFile = 0x8000, Directory = 0x4000;

    /// <summary>STATX_BASIC_STATS: all that stat(2) tells.</summary>
    internal const uint Basic = 0x7FF;

    [FieldOffset(16)] internal uint Links;
    [FieldOffset(20)] internal uint User;
    [FieldOffset(24)] internal uint Group;
    [FieldOffset(28)] internal ushort Mode;
    [FieldOffset(32)] internal ulong Inode;
    [FieldOffset(40)] internal ulong Size;
    [FieldOffset(112)] internal long ModifiedSeconds;
    [FieldOffset(120)] internal uint ModifiedNanoseconds;
    [FieldOffset(128)] internal uint DeviceMajor;
    [FieldOffset(132)] internal uint DeviceMinor;

    internal readonly uint Type => Mode & TypeMask;

    /// <summary>Looks at what a path leads to, links followed.</summary>
    internal static FileStatus Of(string path)
    {
        FileStatus status = default;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            if (Native.Status(Native.CurrentDirectory, name, 0, Basic, &status) != 0)
                throw SystemFailure.Last($"{path} cannot be looked at");
        }
        return status;
    }
}
