namespace Lamina.Format;

/// <summary>Between the file type of a directory record and that of <c>st_mode</c>.</summary>
internal static class FileTypes
{
    /// <summary>The directory's type for a mode's upper four bits.</summary>
    public static DirectoryFileType Of(int modeType) => (modeType & 0xF000) switch
    {
        0x8000 => DirectoryFileType.RegularFile,
        0x4000 => DirectoryFileType.Directory,
        0x2000 => DirectoryFileType.CharacterDevice,
        0x6000 => DirectoryFileType.BlockDevice,
        0x1000 => DirectoryFileType.Fifo,
        0xC000 => DirectoryFileType.Socket,
        0xA000 => DirectoryFileType.SymbolicLink,
        _ => DirectoryFileType.Unknown,
    };
}
