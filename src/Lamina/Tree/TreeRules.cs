namespace Lamina.Tree;

/// <summary>
/// What a tree must hold to be a file system. Readers let nothing else through; a tree made by hand, or a reader that has a
/// fault, may hold anything, so who walks a tree or writes one asks here.
/// </summary>
internal static class TreeRules
{
    private const ushort AllPermissions = 0xFFF;

    private const uint NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Why a name cannot stand in a directory behind another one; null if it can.</summary>
    /// <param name="name">The name.</param>
    /// <param name="previous">The one before it; empty for the first.</param>
    public static string? FaultOfName(ReadOnlySpan<byte> name, ReadOnlySpan<byte> previous)
    {
        if (name.Length is 0 or > Entry.MaxNameLength)
            return $"has {name.Length} bytes, 1 to {Entry.MaxNameLength} are possible";
        if (name.IndexOfAny((byte)0, (byte)'/') >= 0)
            return "holds a slash or a NUL";
        if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
            return "is not that of a file";
        return !previous.IsEmpty && previous.SequenceCompareTo(name) >= 0 ? "is there twice, or not in order" : null;
    }

    /// <summary>Why a file cannot be; null if it can.</summary>
    public static string? FaultOfNode(Node node)
    {
        if (FaultOfPayload(node) is { } fault)
            return fault;
        if (node.Permissions > AllPermissions)
            return $"permissions 0x{node.Permissions:x} have more than 12 bits";
        if (node.Modified.Nanoseconds >= NanosecondsPerSecond)
            return $"{node.Modified.Nanoseconds} nanoseconds are a second or more";
        return null;
    }

    /// <summary>Why a file cannot have its attributes; null if it can.</summary>
    public static string? FaultOfXattrs(Node node)
    {
        foreach (ref readonly Xattr xattr in node.Xattrs.Items)
        {
            if (xattr.Name.Length is 0 or > XattrSet.MaxNameLength || xattr.Name.Span.Contains((byte)0))
                return $"an attribute's name of {xattr.Name.Length} bytes, or with a NUL, is not possible";
            if (xattr.Value.Length > XattrSet.MaxValueLength)
                return $"an attribute of {xattr.Value.Length} bytes is larger than {XattrSet.MaxValueLength}";
            if (FaultOfXattr(xattr.Name.Span, xattr.Value.Span) is { } fault)
                return fault;
        }
        return null;
    }

    /// <summary>Why an attribute that kernels look into is none to them; null if it is, or if it is any other.</summary>
    public static string? FaultOfXattr(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        PosixAcl.FaultOf(name, value) ?? FileCapability.FaultOf(name, value);

    private static string? FaultOfPayload(Node node)
    {
        switch (node.Type)
        {
            case NodeType.RegularFile:
                return node.Payload is Content { Size: >= 0 } ? null : "a regular file without content";
            case NodeType.Directory:
                return node.Payload is DirectoryListing ? null : "a directory without a listing";
            case NodeType.SymbolicLink when node.Payload is byte[] target:
                return target.Length is 0 or > Node.MaxTargetLength || target.AsSpan().Contains((byte)0)
                    ? $"a link target of {target.Length} bytes, or with a NUL, is not possible" : null;
            case NodeType.SymbolicLink:
                return "a symbolic link without a target";
            case NodeType.CharacterDevice or NodeType.BlockDevice or NodeType.Fifo or NodeType.Socket:
                return null;
            default:
                return $"type 0x{(ushort)node.Type:x} is not that of a file";
        }
    }
}
