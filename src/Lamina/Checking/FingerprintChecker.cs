using Lamina.Reading;
using Lamina.Tree;
using Lamina.Trust;

namespace Lamina.Checking;

/// <summary>
/// Compares the fingerprints by which kernels share pages with the data: of two files with one fingerprint, a kernel shows the
/// pages of the first for both.
/// </summary>
/// <param name="image">The image.</param>
/// <param name="faults">Takes what is found.</param>
/// <param name="name">The attribute that has them; empty if the image announces none.</param>
internal sealed class FingerprintChecker(ErofsImage image, FaultList faults, ReadOnlyMemory<byte> name)
{
    private long _verified;

    public ReadOnlyMemory<byte> Name => name;

    /// <summary>How many are right.</summary>
    public long Verified => Volatile.Read(ref _verified);

    /// <summary>Checks a file whose data were checked before: what cannot be read is known.</summary>
    public void Check(CheckedFile file)
    {
        Inode inode = file.Inode;
        if (name.IsEmpty || inode.Type != NodeType.RegularFile || inode.Size == 0 || inode.Record.XattrCount == 0)
            return;
        try
        {
            if (!Fingerprint.TryGet(image.Xattrs.Read(inode), name.Span, out ReadOnlyMemory<byte> value))
                return;
            bool? isTrue = Fingerprint.IsTrue(value.Span, image.OpenContent(inode));
            if (isTrue == true)
                Interlocked.Increment(ref _verified);
            else if (isTrue == false)
                faults.Add(file, $"its {ShownBytes.Of(name.Span)} is not the SHA-256 of its data: " +
                    "kernels that share pages by it show other data", null);
        }
        catch (Exception known) when (known is CorruptImageException or UnsupportedImageException)
        {
            // It is among the faults already.
        }
    }
}
