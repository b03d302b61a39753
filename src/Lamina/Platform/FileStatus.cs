using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>What statx(2) tells about a file. Its layout, unlike that of stat(2), is the same on every architecture.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal unsafe struct FileStatus
{
    internal const uint TypeMask = 0xF000, BlockDevice = 0x6000, RegularFile = 0x8000, Directory = 0x4000;
    internal const uint CharacterDevice = 0x2000, Fifo = 0x1000, Socket = 0xC000, SymbolicLink = 0xA000;

    /// <summary>STATX_BASIC_STATS: all that stat(2) tells.</summary>
    internal const uint Basic = 0x7FF;

    [FieldOffset(16)] internal uint Links;
    [FieldOffset(20)] internal uint User;
    [FieldOffset(24)] internal uint Group;
    [FieldOffset(28)] internal ushort Mode;
    [FieldOffset(32)] internal ulong Inode;
    [FieldOffset(40)] internal ulong Size;
    [FieldOffset(48)] internal ulong Blocks;
    [FieldOffset(96)] internal long ChangedSeconds;
    [FieldOffset(104)] internal uint ChangedNanoseconds;
    [FieldOffset(112)] internal long ModifiedSeconds;
    [FieldOffset(120)] internal uint ModifiedNanoseconds;
    [FieldOffset(128)] internal uint DeviceMajor;
    [FieldOffset(132)] internal uint DeviceMinor;
    [FieldOffset(136)] internal uint FileSystemMajor;
    [FieldOffset(140)] internal uint FileSystemMinor;

    internal readonly uint Type => Mode & TypeMask;

    /// <summary>Looks at what a path leads to, links followed.</summary>
    internal static FileStatus Of(string path) =>
        Find(path) ?? throw new FileNotFoundException($"{path}: there is no such file", path);

    /// <summary>Looks at what a path leads to; null if it leads to nothing.</summary>
    internal static FileStatus? Find(string path, bool followsLinks = true)
    {
        FileStatus status = default;
        fixed (byte* name = PathBytes.EncodeTerminated(path))
        {
            if (Native.Status(Native.CurrentDirectory, name, followsLinks ? 0 : Native.NoFollow, Basic, &status) == 0)
                return status;
        }
        return Marshal.GetLastPInvokeError() is Errno.NoEntry or Errno.NotDirectory
            ? null : throw SystemFailure.Last($"{path} cannot be looked at");
    }

    /// <summary>Looks at what has a name in an open directory, be it a link; null if it cannot be looked at.</summary>
    internal static FileStatus? Find(int directory, byte* name)
    {
        FileStatus status = default;
        return Native.Status(directory, name, Native.NoFollow, Basic, &status) == 0 ? status : null;
    }

    /// <summary>Looks at what has a name in an open directory, as above.</summary>
    internal static FileStatus? Find(int directory, ReadOnlySpan<byte> name)
    {
        fixed (byte* text = HostFolder.Terminated(name, stackalloc byte[HostFolder.MaxName + 1]))
            return Find(directory, text);
    }

    /// <summary>Looks at a file that is open.</summary>
    internal static FileStatus Of(SafeFileHandle file)
    {
        FileStatus status = default;
        byte nothing = 0;
        bool isHeld = false;
        try
        {
            file.DangerousAddRef(ref isHeld);
            if (Native.Status((int)file.DangerousGetHandle(), &nothing, Native.EmptyPath, Basic, &status) != 0)
                throw SystemFailure.Last("an open file cannot be looked at");
        }
        finally
        {
            if (isHeld)
                file.DangerousRelease();
        }
        return status;
    }
}
