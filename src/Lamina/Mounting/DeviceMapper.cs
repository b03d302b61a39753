using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Lamina.Platform;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Mounting;

/// <summary>
/// Block devices that the kernel makes of others (device-mapper), with one target each. The calls are those of
/// <c>linux/dm-ioctl.h</c>, version 4.
/// </summary>
internal static unsafe class DeviceMapper
{
    private const string Control = "/dev/mapper/control";

    // _IOWR(0xFD, NUMBER, struct dm_ioctl)
    private const nuint Create = 0xC138FD03, Remove = 0xC138FD04, Suspend = 0xC138FD06, LoadTable = 0xC138FD09;
    private const int HeadSize = 312, TargetSize = 40, DataSizeAt = 12, DataStartAt = 16, TargetCountAt = 20, FlagsAt = 28;
    private const int DeviceAt = 40, NameAt = 48, NameLimit = 127, TypeLimit = 15;
    private const uint ReadOnlyFlag = 1, BlockDeviceMode = 0x6000 | 0x180;

    /// <summary>Whether the kernel has it, as far as can be seen.</summary>
    public static bool IsThere => File.Exists(Control);

    /// <summary>Makes a read-only device.</summary>
    /// <param name="name">The name it is known by to device-mapper.</param>
    /// <param name="line">Its table: first sector, which is 0, size in sectors of 512 bytes, target, and what that is
    /// told.</param>
    /// <returns>The device: /dev/dm- and a number.</returns>
    /// <exception cref="IOException">The kernel refuses.</exception>
    /// <exception cref="UnauthorizedAccessException">Not permitted.</exception>
    public static string Make(string name, string line)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Encoding.UTF8.GetByteCount(name), NameLimit);
        byte[] table = Table(name, line);
        int control = Native.Open(Control, Native.OpenReadWrite | Native.OpenCloseOnExec, 0);
        if (control < 0)
            throw SystemFailure.Last($"device-mapper cannot be used, {Control} cannot be opened");
        using SafeFileHandle handle = new(control, true);
        byte[] made = Head(name, 0, ReadOnlyFlag);
        Call(control, Create, made, $"the device {name} cannot be made");
        try
        {
            Call(control, LoadTable, table, $"the kernel refuses what {name} was to be made of ({line})");
            Call(control, Suspend, Head(name, 0, 0), $"the device {name} cannot be started");     // without a flag it resumes
        }
        catch
        {
            _ = TryCall(control, Remove, Head(name, 0, 0));
            throw;
        }
        return Node(BinaryPrimitives.ReadUInt64LittleEndian(made.AsSpan(DeviceAt)));
    }

    private static byte[] Table(string name, string line)
    {
        string[] words = line.Split(' ', 4);
        if (words.Length != 4 || words[0] != "0" || words[2].Length > TypeLimit
            || !long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long sectors))
        {
            throw new ArgumentException($"{line}: a table is 0, a size in sectors, a target, and what it is told", nameof(line));
        }
        byte[] text = Encoding.UTF8.GetBytes(words[3]);
        int size = (TargetSize + text.Length + 1 + 7) & ~7;
        byte[] bytes = Head(name, size, ReadOnlyFlag);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(TargetCountAt), 1);
        Span<byte> spec = bytes.AsSpan(HeadSize);
        BinaryPrimitives.WriteInt64LittleEndian(spec[8..], sectors);        // from sector 0 on
        BinaryPrimitives.WriteInt32LittleEndian(spec[20..], size);
        Encoding.UTF8.GetBytes(words[2], spec[24..]);
        text.CopyTo(spec[TargetSize..]);
        return bytes;
    }

    private static byte[] Head(string name, int payload, uint flags)
    {
        byte[] bytes = new byte[HeadSize + payload];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, 4);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(DataSizeAt), bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(DataStartAt), HeadSize);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(FlagsAt), flags);
        Encoding.UTF8.GetBytes(name, bytes.AsSpan(NameAt));
        return bytes;
    }

    private static void Call(int control, nuint call, byte[] bytes, string failure)
    {
        if (!TryCall(control, call, bytes))
            throw SystemFailure.Last(failure);
    }

    private static bool TryCall(int control, nuint call, byte[] bytes)
    {
        fixed (byte* pointer = bytes)
            return Native.Control(control, call, (nint)pointer) == 0;
    }

    /// <summary>The node of a device, made where /dev does not grow nodes by itself.</summary>
    private static string Node(ulong device)
    {
        ulong minor = (device & 0xFF) | (device >> 12 & 0xFFF00);
        string path = string.Create(CultureInfo.InvariantCulture, $"/dev/dm-{minor}");
        bool isThere = File.Exists(path) || Native.MakeNode(path, BlockDeviceMode, device) == 0
            || Marshal.GetLastPInvokeError() == Errno.Exists;
        return isThere ? path : throw SystemFailure.Last($"{path} cannot be made");
    }
}
