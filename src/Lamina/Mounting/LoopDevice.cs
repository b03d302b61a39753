using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Lamina.Platform;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Mounting;

/// <summary>
/// A block device over a part of a file, for kernels and file systems that cannot mount the file itself. Disposing lets go of it:
/// with automatic clearing the kernel frees it as soon as nobody, a mount included, has it open; otherwise it is freed here.
/// </summary>
/// <remarks>A loop device has whole sectors: up to 511 bytes at the end of a file with an odd length are not on it.</remarks>
internal sealed unsafe class LoopDevice : IDisposable
{
    /// <summary>
    /// Between learning of a free device and taking it another process may be faster; more losses than this in a row are no race.
    /// </summary>
    private const int AttemptLimit = 256;

    private const nuint ClearDescriptor = 0x4C01, Configure = 0x4C0A, GetFree = 0x4C82;
    private const uint FlagReadOnly = 1, FlagAutomaticClear = 4, BlockDeviceMode = 0x6000 | 0x1B0;
    private const int LoopMajor = 7;

    private readonly SafeFileHandle _handle;
    private readonly bool _autoClear;

    private LoopDevice(string path, SafeFileHandle handle, bool autoClear)
    {
        Path = path;
        _handle = handle;
        _autoClear = autoClear;
    }

    /// <summary>The device: /dev/loop and a number.</summary>
    public string Path { get; }

    /// <summary>Puts a free loop device over a file.</summary>
    /// <param name="file">The file or block device behind it.</param>
    /// <param name="offset">The byte of the file where the device starts.</param>
    /// <param name="sizeLimit">How many bytes it has; 0 for all up to the end of the file.</param>
    /// <param name="readOnly">Whether writes are refused.</param>
    /// <param name="autoClear">Whether the kernel frees the device when the last user closes it.</param>
    public static LoopDevice Attach(string file, long offset = 0, long sizeLimit = 0, bool readOnly = true, bool autoClear = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(sizeLimit);
        int access = (readOnly ? Native.OpenReadOnly : Native.OpenReadWrite) | Native.OpenCloseOnExec;
        using SafeFileHandle backing = Open(file, access, $"{file} cannot be opened");
        using SafeFileHandle control = Open("/dev/loop-control", Native.OpenReadWrite | Native.OpenCloseOnExec,
            "no loop device can be had, /dev/loop-control cannot be opened");

        for (int attempt = 1; ; attempt++)
        {
            int number = Native.Control(Descriptor(control), GetFree, 0);
            if (number < 0)
                throw SystemFailure.Last("no free loop device");
            string path = string.Create(CultureInfo.InvariantCulture, $"/dev/loop{number}");
            int errno = TryTake(path, number, access, out SafeFileHandle? handle);
            if (handle is not null)
            {
                errno = TryConfigure(handle, backing, file, offset, sizeLimit, readOnly, autoClear);
                if (errno == 0)
                    return new LoopDevice(path, handle, autoClear);
                handle.Dispose();
            }
            bool lostRace = errno is Errno.Busy or Errno.Again or Errno.NoDeviceOrAddress;
            if (!lostRace || attempt == AttemptLimit)
                throw SystemFailure.Make($"{path} cannot be put over {file}", errno);
            Thread.Yield();
        }
    }

    /// <summary>Frees a loop device by its path. One that is in use is freed when its last user closes it.</summary>
    public static void Detach(string path)
    {
        using SafeFileHandle handle = Open(path, Native.OpenReadOnly | Native.OpenCloseOnExec, $"{path} cannot be opened");
        bool cleared = Native.Control(Descriptor(handle), ClearDescriptor, 0) == 0;
        if (!cleared && Marshal.GetLastPInvokeError() != Errno.NoDeviceOrAddress)
            throw SystemFailure.Last($"{path} cannot be detached");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_autoClear && !_handle.IsClosed)
            _ = Native.Control(Descriptor(_handle), ClearDescriptor, 0);
        _handle.Dispose();
    }

    private static int TryTake(string path, int number, int access, out SafeFileHandle? handle)
    {
        handle = null;
        int descriptor = Native.Open(path, access, 0);
        if (descriptor < 0 && Marshal.GetLastPInvokeError() == Errno.NoEntry)
        {
            // A /dev that is not devtmpfs, as in a container or an early init, does not grow nodes by itself.
            (int major, int minor) = DeviceNumber(number);
            int made = Native.MakeNode(path, BlockDeviceMode, Encode(major, minor));
            if (made != 0 && Marshal.GetLastPInvokeError() != Errno.Exists)
                return Marshal.GetLastPInvokeError();
            descriptor = Native.Open(path, access, 0);
        }
        if (descriptor < 0)
            return Marshal.GetLastPInvokeError();
        handle = new SafeFileHandle(descriptor, true);
        return 0;
    }

    /// <summary>Fills <c>struct loop_config</c> and hands it to the kernel. Returns the errno, 0 where all went well.</summary>
    private static int TryConfigure(
        SafeFileHandle device, SafeFileHandle backing, string file, long offset, long sizeLimit, bool readOnly, bool autoClear)
    {
        const int size = 304, offsetAt = 32, sizeLimitAt = 40, flagsAt = 60, nameAt = 64, nameLimit = 63;
        Span<byte> config = stackalloc byte[size];
        config.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(config, Descriptor(backing));
        BinaryPrimitives.WriteInt64LittleEndian(config[offsetAt..], offset);
        BinaryPrimitives.WriteInt64LittleEndian(config[sizeLimitAt..], sizeLimit);
        uint flags = (readOnly ? FlagReadOnly : 0) | (autoClear ? FlagAutomaticClear : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(config[flagsAt..], flags);
        ReadOnlySpan<byte> name = PathBytes.Encode(file);                 // only shown by tools, and cut where it is too long
        name[..Math.Min(name.Length, nameLimit)].CopyTo(config[nameAt..]);
        fixed (byte* pointer = config)
            return Native.Control(Descriptor(device), Configure, (nint)pointer) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>The kernel's numbers: where loop devices have partitions the minor is not the one in the name.</summary>
    private static (int Major, int Minor) DeviceNumber(int number)
    {
        string told = string.Create(CultureInfo.InvariantCulture, $"/sys/block/loop{number}/dev");
        if (!File.Exists(told))
            return (LoopMajor, number);
        string[] parts = File.ReadAllText(told).Trim().Split(':');
        return parts.Length == 2 && int.TryParse(parts[0], out int major) && int.TryParse(parts[1], out int minor)
            ? (major, minor)
            : (LoopMajor, number);
    }

    /// <summary>makedev(3) as the C library has it.</summary>
    private static ulong Encode(int major, int minor) =>
        (uint)(minor & 0xFF) | ((uint)major << 8) | ((ulong)(uint)(minor & ~0xFF) << 12);

    private static SafeFileHandle Open(string path, int flags, string failure)
    {
        int descriptor = Native.Open(path, flags, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, true) : throw SystemFailure.Last(failure);
    }

    private static int Descriptor(SafeFileHandle handle) => (int)handle.DangerousGetHandle();
}
