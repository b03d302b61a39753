using System.Text;
using Lamina.Reading;

namespace Lamina.Checking;

/// <summary>How bad a fault is.</summary>
public enum FaultSeverity
{
    /// <summary>Kernels read the image all the same, but it says something that is not so.</summary>
    Warning,

    /// <summary>Something cannot be read, or readers may disagree about it.</summary>
    Error,
}

/// <summary>Something that is wrong in an image.</summary>
/// <param name="Severity">How bad it is.</param>
/// <param name="Inode">
/// The inode number (nid) it concerns; bit 63 is set for one in the metabox. Null for the image as a whole.
/// </param>
/// <param name="Path">A path of that inode, from the root on and with a slash in front; null where it has none.</param>
/// <param name="Offset">The byte of the image where it stands, where that is known.</param>
/// <param name="Message">What is wrong: found and expected.</param>
public sealed record ImageFault(FaultSeverity Severity, ulong? Inode, ReadOnlyMemory<byte>? Path, long? Offset, string Message)
{
    /// <summary>The fault in one line, bytes of the path that are no printable ASCII as <c>\xHH</c>.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        if (Inode is { } nid)
        {
            text.Append("inode ").Append(ShownBytes.OfNid(nid));
            if (Path is { } path)
                text.Append(" (").Append(ShownBytes.Of(path.Span)).Append(')');
            text.Append(": ");
        }
        text.Append(Message);
        if (Offset is { } at)
            text.Append(" (byte 0x").Append(at.ToString("X", System.Globalization.CultureInfo.InvariantCulture)).Append(')');
        return text.ToString();
    }
}

/// <summary>How an image is checked.</summary>
public sealed record CheckOptions : WorkOptions
{
    /// <summary>
    /// How many faults are reported at most: an image of which nothing is right would otherwise fill the memory with them.
    /// </summary>
    public int MaxFaults { get; init; } = 10_000;

    /// <summary>
    /// Whether the SHA-256 that an image of Lamina's holds of its layers and devices are computed and compared, and those of
    /// files by which kernels share pages.
    /// </summary>
    public bool VerifiesDigests { get; init; } = true;
}

/// <summary>What a check found.</summary>
public sealed class CheckReport
{
    internal CheckReport(IReadOnlyList<ImageFault> faults, bool isComplete)
    {
        Faults = faults;
        IsComplete = isComplete;
    }

    /// <summary>
    /// The faults: of the image as a whole first, then by inode in the order in which a walk finds them. The same image gives the
    /// same.
    /// </summary>
    public IReadOnlyList<ImageFault> Faults { get; }

    /// <summary>Whether these are all faults there are; if not, there were more than were asked for.</summary>
    public bool IsComplete { get; }

    /// <summary>Whether there are no faults but warnings.</summary>
    public bool IsSound => Faults.All(fault => fault.Severity == FaultSeverity.Warning);

    /// <summary>Files of all types that were found, each once however many names it has.</summary>
    public long FileCount { get; internal init; }

    /// <summary>Directories among them.</summary>
    public long DirectoryCount { get; internal init; }

    /// <summary>Bytes of file data, holes included, of the files that could be read.</summary>
    public long ByteCount { get; internal init; }

    /// <summary>The attribute with fingerprints of files, by which kernels share pages; empty without.</summary>
    public ReadOnlyMemory<byte> FingerprintName { get; internal init; }

    /// <summary>Files whose fingerprint was compared with their data and is right.</summary>
    public long FingerprintCount { get; internal init; }

    /// <summary>Layers within the image, and devices, whose SHA-256 was compared with the recorded one and is right.</summary>
    public int DigestCount { get; internal init; }
}
