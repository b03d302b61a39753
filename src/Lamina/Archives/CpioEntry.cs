namespace Lamina.Archives;

/// <summary>A file in a cpio archive, and where its body lies.</summary>
/// <param name="Name">The name as it stands there, without the NULs behind it: a path, mostly without a slash in front.</param>
/// <param name="Mode">Type and permissions as <c>st_mode</c> has them.</param>
/// <param name="BodyOffset">The first byte of the body, from the start of the source.</param>
/// <param name="BodySize">The body's length in bytes. The kernel unpacks that of regular files and symbolic links alone.</param>
internal readonly record struct CpioEntry(string Name, uint Mode, long BodyOffset, long BodySize)
{
    internal const uint TypeMask = 0xF000, RegularFile = 0x8000, DirectoryType = 0x4000, FifoType = 0x1000, CharacterDevice =
        0x2000;

    /// <summary>Whether this is a regular file.</summary>
    public bool IsRegularFile => (Mode & TypeMask) == RegularFile;

    /// <summary>Whether this is a FIFO: its body, if it has one, is passed over by the kernel.</summary>
    public bool IsFifo => (Mode & TypeMask) == FifoType;
}
