namespace Lamina.Exporting;

/// <summary>How a tree is extracted.</summary>
public sealed record ExtractOptions : WorkOptions
{
    /// <summary>
    /// Paths in the tree, with or without a slash in front; each is extracted with all that is in it and the directories that
    /// lead to it. None for everything.
    /// </summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Paths { get; init; } = [];

    /// <summary>
    /// Whether files are given to the owners they have in the tree; null: only if this is run by root. A file that gets
    /// another owner or group loses its set-user-id or set-group-id bit, with a warning. False leaves out all that lends the
    /// rights of others, whoever runs this and without a word: set-user-id, set-group-id and file capabilities.
    /// </summary>
    public bool? SetsOwners { get; init; }

    /// <summary>Whether devices are made; if not they are left out without a warning.</summary>
    public bool MakesDevices { get; init; } = true;

    /// <summary>
    /// Whether the directory may hold files. Those in the way are removed, never followed or written through; others stay. A
    /// directory without write permission is filled if it belongs to who runs this.
    /// </summary>
    public bool Overwrite { get; init; }

    /// <summary>
    /// The files that the tree is read from, such as those of a layer's <see cref="Tree.Layer.Originals"/>. None of them is
    /// removed, whatever <see cref="Overwrite"/> says: one in the way is a failure.
    /// </summary>
    public IReadOnlyList<ByteSource> Inputs { get; init; } = [];
}

/// <summary>What an extraction made.</summary>
public sealed record ExtractResult
{
    /// <summary>The regular files.</summary>
    public required long Files { get; init; }

    /// <summary>The directories, the one extracted into included.</summary>
    public required long Directories { get; init; }

    /// <summary>Symbolic links, devices, pipes and sockets.</summary>
    public required long Others { get; init; }

    /// <summary>Further names of files. One that could only be made as a copy counts as a file, and is in the warnings.</summary>
    public required long Links { get; init; }

    /// <summary>The size of all regular files.</summary>
    public required long Bytes { get; init; }

    /// <summary>
    /// What could not be made or set, for lack of rights or because the file system cannot hold it: the result differs there.
    /// </summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
