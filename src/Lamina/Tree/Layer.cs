namespace Lamina.Tree;

/// <summary>How the files that hide others are marked in a layer.</summary>
public enum WhiteoutRules
{
    /// <summary>overlayfs: a 0:0 character device, opaque directories by extended attribute.</summary>
    Overlay,

    /// <summary>OCI and AUFS: <c>.wh.NAME</c> and <c>.wh..wh..opq</c>.</summary>
    Oci,

    /// <summary>The kernel's cpio unpacker: none at all, later files win and directories merge.</summary>
    Cpio,
}

/// <summary>A source that has become a tree, ready to be merged.</summary>
public sealed class Layer : IDisposable
{
    private static readonly Dictionary<Node, int> s_none = [];

    /// <summary>The name messages and reports use: the path as given.</summary>
    public required string Name { get; init; }

    /// <summary>The root directory.</summary>
    public required Node Root { get; init; }

    /// <summary>
    /// Whether the source says what its root is. A tar without an entry for its root does not: the layer below decides then.
    /// </summary>
    public bool HasRootMetadata { get; init; } = true;

    /// <summary>
    /// Whether the root hides all that is in layers below. Only an OCI layer can say so: overlayfs joins the roots of its layers
    /// whatever they are marked with.
    /// </summary>
    public bool HasOpaqueRoot { get; init; }

    /// <summary>How this layer marks what it hides.</summary>
    public required WhiteoutRules Rules { get; init; }

    /// <summary>
    /// The files that content of this layer refers to, the layer's own file first. Empty if all data is copied.
    /// </summary>
    public required Original[] Originals { get; init; }

    /// <summary>
    /// Files that content of this layer is read from and that are no originals: nothing of the output refers to them. They are
    /// closed with the layer.
    /// </summary>
    internal ByteSource[] Held { get; init; } = [];

    /// <summary>All files that the layer is read from.</summary>
    internal IEnumerable<ByteSource> Sources => [.. Originals.Select(original => original.Bytes), .. Held];

    /// <summary>Whether this is no layer but an archive of a container image, which holds layers.</summary>
    internal bool IsImageArchive { get; init; }

    /// <summary>The block size data lies aligned to, in bytes: an image's own, 512 for a tar.</summary>
    public required int BlockSize { get; init; }

    /// <summary>What a decoder must be ready for, if files are compressed.</summary>
    internal CodecLimits Codecs { get; init; }

    /// <summary>The oldest kernel that reads the layer's own layouts, as major and minor version.</summary>
    public Version RequiredKernel { get; init; } = new(6, 1);

    /// <summary>
    /// Of an EROFS image that announces them: the name of the attribute with the fingerprints of files, by which kernels share
    /// pages between files of the same data (<c>ishare_xattrs</c>). Empty without.
    /// </summary>
    public ReadOnlyMemory<byte> FingerprintName { get; init; }

    /// <summary>
    /// Directories that this layer needs but has no entry for (implicit parents): they lend no metadata to a directory below.
    /// </summary>
    public IReadOnlySet<Node> Implied { get; init; } = new HashSet<Node>();

    /// <summary>
    /// Whether directories without an entry go through symbolic links of layers below, as where archives are unpacked one over
    /// the other; overlayfs knows no such directories.
    /// </summary>
    internal bool FollowsLinks { get; init; }

    /// <summary>Hard links whose files only layers below can have, in the order of the archive.</summary>
    internal IReadOnlyList<LowerLink> LowerLinks { get; init; } = [];

    /// <summary>Files of layers below that this layer has names for, with the indexes of their layers.</summary>
    internal IReadOnlyDictionary<Node, int> Borrowed { get; init; } = s_none;

    /// <summary>What is odd about the source and should be told to whoever named it; null if nothing is.</summary>
    public string? Warning { get; init; }

    /// <summary>What else is open as long as the layer is.</summary>
    internal IDisposable? Resource { get; init; }

    /// <summary>The same layer under other rules; the two share their files, so only one is to be disposed.</summary>
    public Layer With(WhiteoutRules rules) => With(Root, Implied, rules, Borrowed);

    /// <summary>The same layer with another tree over the same files.</summary>
    internal Layer With(Node root, IReadOnlySet<Node> implied, IReadOnlyDictionary<Node, int> borrowed) =>
        With(root, implied, Rules, borrowed);

    private Layer With(
        Node root, IReadOnlySet<Node> implied, WhiteoutRules rules, IReadOnlyDictionary<Node, int> borrowed) => new()
        {
            Name = Name,
            Root = root,
            HasRootMetadata = HasRootMetadata,
            HasOpaqueRoot = HasOpaqueRoot,
            Rules = rules,
            Originals = Originals,
            Held = Held,
            IsImageArchive = IsImageArchive,
            BlockSize = BlockSize,
            Codecs = Codecs,
            RequiredKernel = RequiredKernel,
            FingerprintName = FingerprintName,
            Implied = implied,
            FollowsLinks = FollowsLinks,
            LowerLinks = LowerLinks,
            Borrowed = borrowed,
            Warning = Warning,
            Resource = Resource,
        };

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ByteSource source in Sources)
            source.Dispose();
        Resource?.Dispose();
    }
}
