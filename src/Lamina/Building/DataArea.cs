using Lamina.Tree;

namespace Lamina.Building;

/// <summary>
/// Data of the output's own, written one after another as it is made. It is an original like any other: content refers to bytes
/// of it by position.
/// </summary>
internal abstract class DataArea
{
    /// <summary>What content refers to. Its bytes can be read as soon as they were added.</summary>
    public abstract Original Original { get; }

    /// <summary>The bytes so far.</summary>
    public abstract long Length { get; }

    /// <summary>Adds bytes behind what is there, and says where they begin.</summary>
    public abstract long Append(ReadOnlySpan<byte> bytes);

    /// <summary>Adds zeros up to a multiple of a power of two.</summary>
    public void Align(int alignment)
    {
        int rest = (int)(Length & (alignment - 1));
        if (rest > 0)
            Append(new byte[alignment - rest]);
    }
}
