using Lamina.Platform;

namespace Lamina.Mounting;

/// <summary>A mount as the kernel lists it.</summary>
/// <param name="Target">Where it is mounted.</param>
/// <param name="FileSystem">The kernel's name of the file system.</param>
/// <param name="Source">What is mounted.</param>
/// <param name="Options">The file system's own options, as it shows them.</param>
internal sealed record MountTableEntry(string Target, string FileSystem, string Source, string Options);

/// <summary>The mounts that this process sees.</summary>
internal static class MountTable
{
    /// <summary>What is uppermost on a directory, or null if it is no mount point.</summary>
    public static MountTableEntry? Find(string target)
    {
        string wanted = HostFile.Resolve(target);
        return Read(PathBytes.Decode(HostFile.ReadAllBytes("/proc/self/mountinfo")).Split('\n'))
           .LastOrDefault(entry => entry.Target == wanted);
    }

    /// <summary>Reads the lines of mountinfo, as proc(5) describes them; later mounts come later.</summary>
    internal static IEnumerable<MountTableEntry> Read(IEnumerable<string> lines)
    {
        const int targetField = 4;
        foreach (string line in lines)
        {
            // "36 35 98:0 /root /target rw,noatime master:1 - type source options": any number of fields stands before the dash.
            int dash = line.IndexOf(" - ", StringComparison.Ordinal);
            if (dash < 0)
                continue;
            string[] left = line[..dash].Split(' ');
            string[] right = line[(dash + 3)..].Split(' ');
            if (left.Length > targetField && right.Length >= 3)
                yield return new MountTableEntry(Decode(left[targetField]), Decode(right[0]), Decode(right[1]), Decode(right[2]));
        }
    }

    /// <summary>The kernel writes blanks and backslashes as three octal digits.</summary>
    private static string Decode(string field)
    {
        if (!field.Contains('\\', StringComparison.Ordinal))
            return field;
        byte[] bytes = PathBytes.Encode(field);
        int length = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            ReadOnlySpan<byte> digits = bytes.AsSpan(i + 1, Math.Min(3, bytes.Length - i - 1));
            bool escaped = bytes[i] == '\\' && digits.Length == 3 && !digits.ContainsAnyExceptInRange((byte)'0', (byte)'7');
            byte value = escaped ? (byte)(((digits[0] & 7) << 6) | ((digits[1] & 7) << 3) | (digits[2] & 7)) : bytes[i];
            bytes[length++] = value;
            i += escaped ? 3 : 0;
        }
        return PathBytes.Decode(bytes.AsSpan(0, length));
    }
}
