using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Lamina.Mounting;
using Lamina.Platform;

namespace Lamina.Tests.Oracles;

/// <summary>
/// What the kernel shows of a mounted tree, as the rows that Fixtures/README.md describes: one JSON object a line, sorted by path
/// bytes, byte for byte as the corpus records them. Everything is read through the kernel.
/// </summary>
internal static class KernelManifest
{
    /// <summary>Larger files are compared by size only, as the corpus does; hashing a huge sparse file takes minutes.</summary>
    private const long HashLimit = 1L << 30;

    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <param name="directory">Where the tree is mounted.</param>
    /// <param name="noLinkCounts">Whether to leave link counts out.</param>
    /// <param name="skipsDenied">
    /// Whether names that are listed but not there are left out: overlayfs lists whiteouts of directories that only one layer
    /// has.
    /// </param>
    internal static string[] Of(string directory, bool noLinkCounts = false, bool skipsDenied = false)
    {
        List<(byte[] Path, string Row)> rows = [];
        byte[] buffer = new byte[1 << 18];
        Visit(Encoding.UTF8.GetBytes(directory), [], rows, buffer, noLinkCounts, skipsDenied);
        rows.Sort((a, b) => a.Path.AsSpan().SequenceCompareTo(b.Path));
        return [.. rows.Select(row => row.Row)];
    }

    /// <summary>Printable ASCII without quote and backslash as it is, anything else as hex.</summary>
    internal static string Show(ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
        {
            if (b is < 32 or >= 127 or (byte)'"' or (byte)'\\')
                return "hex:" + Convert.ToHexStringLower(bytes);
        }
        return Encoding.ASCII.GetString(bytes);
    }

    private static void Visit(
        byte[] path, byte[] shown, List<(byte[] Path, string Row)> rows, byte[] buffer, bool noLinkCounts, bool skipsDenied)
    {
        FileStatus status;
        try
        {
            status = RawFiles.Status(path);
        }
        catch (IOException failure) when (skipsDenied && failure.HResult == Errno.NoEntry)
        {
            return;
        }
        rows.Add((shown, Row(path, shown, status, buffer, noLinkCounts)));
        if (status.Type != FileStatus.Directory)
            return;
        foreach (byte[] name in RawFiles.ListDirectory(path))
            Visit([.. path, (byte)'/', .. name], [.. shown, (byte)'/', .. name], rows, buffer, noLinkCounts, skipsDenied);
    }

    private static string Row(byte[] path, byte[] shown, in FileStatus status, byte[] buffer, bool noLinkCounts)
    {
        char type = TypeLetter(status.Type);
        Int128 time = ((Int128)status.ModifiedSeconds * NanosecondsPerSecond) + status.ModifiedNanoseconds;
        string mode = Convert.ToString(status.Mode & 0xFFF, 8).PadLeft(4, '0');
        StringBuilder row = new(256);
        CultureInfo plain = CultureInfo.InvariantCulture;
        row.Append(plain, $"{{\"gid\": {status.Group}, \"mode\": \"{mode}\", \"mtime\": {time}");
        if (!noLinkCounts)
            row.Append(plain, $", \"nlink\": {status.Links}");
        row.Append(plain, $", \"path\": \"{(shown.Length == 0 ? "/" : Show(shown))}\"");
        if (type is 'c' or 'b')
            row.Append(plain, $", \"rdev\": [{status.DeviceMajor}, {status.DeviceMinor}]");
        if (type == 'f')
        {
            if (status.Size < HashLimit)
                row.Append(plain, $", \"sha256\": \"{Hash(path, buffer)}\"");
            row.Append(plain, $", \"size\": {status.Size}");
        }
        if (type == 'l')
            row.Append(plain, $", \"target\": \"{Show(RawFiles.LinkTarget(path))}\"");
        row.Append(plain, $", \"type\": \"{type}\", \"uid\": {status.User}");
        List<(byte[] Name, byte[] Value)> attributes = RawFiles.Attributes(path);
        if (attributes.Count > 0)
        {
            IEnumerable<(string Name, byte[] Value)> named = attributes.Select(x => (Name: Show(x.Name), x.Value));
            IEnumerable<string> pairs = named
                .OrderBy(x => x.Name, StringComparer.Ordinal)
                .Select(x => $"\"{x.Name}\": \"{Convert.ToHexStringLower(x.Value)}\"");
            row.Append(plain, $", \"xattrs\": {{{string.Join(", ", pairs)}}}");
        }
        return row.Append('}').ToString();
    }

    private static char TypeLetter(uint type) => type switch
    {
        0x8000 => 'f',
        0x4000 => 'd',
        0xA000 => 'l',
        0x2000 => 'c',
        0x6000 => 'b',
        0x1000 => 'p',
        0xC000 => 's',
        _ => throw new InvalidOperationException($"file type 0x{type:X} is not known"),
    };

    private static string Hash(byte[] path, byte[] buffer)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int descriptor = RawFiles.Open(path);
        try
        {
            int count;
            while ((count = RawFiles.Read(descriptor, buffer, path)) > 0)
                hash.AppendData(buffer, 0, count);
        }
        finally
        {
            _ = Native.Close(descriptor);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
