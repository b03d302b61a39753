using Lamina.Boot;

namespace Lamina.Init;

/// <summary>A layer that was found: where its bytes are, for us and for the kernel.</summary>
/// <param name="Name">Its name in the archive, or the device's.</param>
/// <param name="Bytes">Its bytes.</param>
/// <param name="File">The file or block device that the kernel is given.</param>
/// <param name="Offset">Where it starts in that file.</param>
internal sealed record FoundLayer(string Name, ByteSource Bytes, string File, long Offset)
{
    /// <summary>Whether it is the image of <c>lamina.root=</c>, which lies below all layers.</summary>
    public bool IsRoot { get; init; }

    /// <summary>Whether it is a block device of its own.</summary>
    public bool IsDevice => NativeFiles.IsBlockDevice(File);

    /// <summary>Whether it is a whole file, not a part of one.</summary>
    public bool IsWholeFile => !IsDevice && File != BootFiles.KernelCopy;
}
