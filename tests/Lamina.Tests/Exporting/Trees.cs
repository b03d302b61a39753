using System.Text;
using Lamina.Exporting;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Exporting;

/// <summary>Trees in memory, also those that no reader would let through, and what tests do with them.</summary>
internal static class Trees
{
    public static readonly Timestamp Time = new(1_700_000_000, 123_456_789);

    public static Entry File(string name, string data = "data", ushort mode = 0x1A4) => new(Bytes(name), FileNode(data, mode));

    public static Node FileNode(string data, ushort mode = 0x1A4) => FileNode(new BytesContent(Bytes(data)), mode);

    public static Node FileNode(Content content, ushort mode = 0x1A4) => new()
    {
        Type = NodeType.RegularFile,
        Permissions = mode,
        Modified = Time,
        HasSingleName = true,
        Payload = content,
    };

    /// <summary>A file that may have several names.</summary>
    public static Node Shared(string data) => new()
    {
        Type = NodeType.RegularFile,
        Permissions = 0x1A4,
        Modified = Time,
        Payload = new BytesContent(Bytes(data)),
    };

    public static Entry Link(string name, string target) => new(Bytes(name), LinkNode(target));

    public static Node LinkNode(string target) => new()
    {
        Type = NodeType.SymbolicLink,
        Permissions = 0x1FF,
        Modified = Time,
        Payload = Bytes(target),
    };

    public static Entry Special(string name, NodeType type, uint major = 0, uint minor = 0) => new(Bytes(name), new Node
    {
        Type = type,
        Permissions = 0x180,
        Modified = Time,
        HasSingleName = true,
        Device = DeviceNumber.Of(major, minor),
    });

    public static Entry Directory(string name, params Entry[] entries) => new(Bytes(name), Root(entries));

    public static Node Root(params Entry[] entries) => Root(DirectoryListing.Of(entries));

    public static Node Root(DirectoryListing listing) => new()
    {
        Type = NodeType.Directory,
        Permissions = 0x1ED,
        Modified = Time,
        Payload = listing,
    };

    public static Node With(Node node, params (string Name, byte[] Value)[] xattrs) =>
        node.With(XattrSet.Create(xattrs.Select(one => new Xattr(Bytes(one.Name), one.Value))), node.Payload);

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Extracts without owners, so that it works whoever runs the tests.</summary>
    public static ExtractResult Extract(Node root, string directory, ExtractOptions? options = null) =>
        Extractor.Extract("test", root, directory, options ?? new ExtractOptions { SetsOwners = false });

    public static string[] ManifestOf(string name, Node root, ManifestOptions? options = null)
    {
        using MemoryStream stream = new();
        Manifest.Write(name, root, stream, options);
        return Encoding.UTF8.GetString(stream.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>
    /// A new folder for files whose names may be any bytes; it goes away by a tool that does not mind, which System.IO does.
    /// </summary>
    public static TargetFolder NewTarget() => new(Scratch.NewFolder("target"));

    /// <summary>Everything below a folder, with what it holds: to see that nothing there was touched.</summary>
    public static string[] Snapshot(string folder) => KernelManifest.Of(folder);
}

/// <summary>A folder that is deleted with all its bytes of names.</summary>
internal sealed record TargetFolder(string Path) : IDisposable
{
    public void Dispose() => Tools.Run("rm", "-rf", Path).MustSucceed();
}
