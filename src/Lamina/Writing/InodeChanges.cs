using Lamina.Tree;

namespace Lamina.Writing;

/// <summary>What is written otherwise than the tree has it, for every inode.</summary>
internal sealed record InodeChanges
{
    /// <summary>The time of all files; null to keep theirs.</summary>
    public Timestamp? Time { get; init; }

    /// <summary>Whether <see cref="Time"/> is only for files that are newer.</summary>
    public bool ClampsTimes { get; init; }

    /// <summary>Gives the user that a file comes to belong to; null to keep it.</summary>
    public Func<uint, uint>? MapUser { get; init; }

    /// <summary>Gives the group that a file comes to belong to; null to keep it.</summary>
    public Func<uint, uint>? MapGroup { get; init; }

    /// <summary>Whether attributes stay out.</summary>
    public bool DropsXattrs { get; init; }

    /// <summary>
    /// The attribute that is to have the fingerprint of each file's data; empty to keep those of layers that announce them.
    /// </summary>
    public ReadOnlyMemory<byte> FingerprintName { get; init; }

    /// <summary>Whether further names of a file become files of their own.</summary>
    public bool SeparatesLinks { get; init; }

    /// <summary>Whether all inodes have the form of 64 bytes.</summary>
    public bool IsExtended { get; init; }

    /// <summary>The node as it is to be written.</summary>
    public Node Apply(Node node) => new()
    {
        Type = node.Type,
        Permissions = node.Permissions,
        UserId = MapUser is null ? node.UserId : MapUser(node.UserId),
        GroupId = MapGroup is null ? node.GroupId : MapGroup(node.GroupId),
        Modified = TimeOf(node.Modified),
        Xattrs = DropsXattrs ? XattrSet.Empty : node.Xattrs,
        HasSingleName = SeparatesLinks || node.HasSingleName,
        Device = node.Device,
        Payload = node.Payload,
    };

    private Timestamp TimeOf(Timestamp time) => Time is not { } fixedTime || (ClampsTimes && !IsNewer(time, fixedTime))
        ? time : fixedTime;

    private static bool IsNewer(Timestamp time, Timestamp than) => time.Seconds > than.Seconds
        || (time.Seconds == than.Seconds && time.Nanoseconds > than.Nanoseconds);
}
