namespace Lamina.Tree;

/// <summary>A hard link of an archive to a file that is not in it: a layer below may have it.</summary>
/// <param name="StandIn">What stands under the link's names until the file is known.</param>
/// <param name="Path">The link's name: components with one slash between them.</param>
/// <param name="Target">The file's name, likewise.</param>
/// <param name="IsTargetLater">Whether the archive has that name behind the link: another file.</param>
/// <param name="Header">The first byte of the link's header.</param>
internal sealed record LowerLink(
    Node StandIn, ReadOnlyMemory<byte> Path, ReadOnlyMemory<byte> Target, bool IsTargetLater, long Header);
