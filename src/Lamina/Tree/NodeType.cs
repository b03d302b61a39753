namespace Lamina.Tree;

/// <summary>The kinds of file, with the values that <c>st_mode</c> has for each (<c>S_IFMT</c>, stat(2)).</summary>
public enum NodeType : ushort
{
    /// <summary>A named pipe.</summary>
    Fifo = 0x1000,

    /// <summary>A character device. With device number 0:0 it is a whiteout.</summary>
    CharacterDevice = 0x2000,

    /// <summary>A directory.</summary>
    Directory = 0x4000,

    /// <summary>A block device.</summary>
    BlockDevice = 0x6000,

    /// <summary>A regular file.</summary>
    RegularFile = 0x8000,

    /// <summary>A symbolic link.</summary>
    SymbolicLink = 0xA000,

    /// <summary>A socket.</summary>
    Socket = 0xC000,
}
