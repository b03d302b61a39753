using System.Globalization;
using Lamina.Platform;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Cli.Peers;

/// <summary>What mkfs.erofs's options change about all files: times, owners, attributes, links.</summary>
internal static class MkfsInodes
{
    /// <summary>The attribute that fingerprints go to where none is named.</summary>
    private const string UsualFingerprint = "erofs.fingerprint.v1";

    private const string EpochVariable = "SOURCE_DATE_EPOCH";

    /// <summary>The changes, and when the image was made, if that is said.</summary>
    public static (InodeChanges Changes, Timestamp? BuildTime) Of(PeerLine line, bool isExtended)
    {
        // A time of the surroundings is for what is newer, as builds that can be repeated have it; one that is named, for all.
        string? given = line.ValueOf("-T"), around = Environment.GetEnvironmentVariable(EpochVariable);
        Timestamp? time = given is not null ? Seconds(given)
            : !string.IsNullOrEmpty(around) ? Seconds(around) : null;
        bool forAll = given is not null && Last(line, "--mkfs-time", "--all-time") != "--mkfs-time";
        if (Last(line, "--ignore-mtime", "--preserve-mtime") == "--ignore-mtime")
        {
            time ??= new Timestamp(0, 0);           // no clock: the same files give the same image
            forAll = true;
        }
        return (new InodeChanges
        {
            Time = forAll || given is null ? time : null,
            ClampsTimes = !forAll,
            MapUser = Map(line, "--force-uid", "--uid-offset"),
            MapGroup = Map(line, "--force-gid", "--gid-offset"),
            DropsXattrs = line.ValueOf("-x")?.StartsWith('-') == true,
            FingerprintName = line.Has("--xattr-inode-digest")
                ? PathBytes.Encode(line.ValueOf("--xattr-inode-digest") ?? UsualFingerprint) : default,
            SeparatesLinks = line.Has("--hard-dereference"),
            IsExtended = isExtended,
        }, time);
    }

    private static Timestamp Seconds(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds)
            ? new Timestamp(seconds, 0) : throw new PeerException($"invalid UNIX timestamp {text}");

    private static string? Last(PeerLine line, string one, string other) =>
        line.Settings.FindLast(setting => setting.Name == one || setting.Name == other).Name;

    private static Func<uint, uint>? Map(PeerLine line, string forced, string offset)
    {
        uint added = line.ValueOf(offset) is { } text ? Parse(offset, text) : 0;
        uint? all = line.Has("--all-root") ? 0 : null;
        if (line.ValueOf(forced) is { } number)
            all = Parse(forced, number);
        return all is { } one ? _ => unchecked(one + added) : added == 0 ? null : id => unchecked(id + added);
    }

    private static uint Parse(string name, string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
            ? number : throw new PeerException($"invalid value of {name}: {text}");
}
