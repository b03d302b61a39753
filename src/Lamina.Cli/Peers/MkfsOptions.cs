namespace Lamina.Cli.Peers;

/// <summary>The options of mkfs.erofs.</summary>
internal static class MkfsOptions
{
    private const string Unaligned = "lamina places data where it chooses";

    public static PeerOption[] All { get; } =
    [
        new("-b", PeerValue.Required, "block size: 512, 1024, 2048 or 4096 bytes (4096)"),
        new("-d", PeerValue.Required, "0 to 9: how much is said; 0 is quiet"),
        new("-x", PeerValue.Required, "below 0: leave extended attributes out; others change nothing"),
        new("-z", PeerValue.Required, "codec with its level, such as zstd,level=9; further ones behind colons for hints"),
        new("-C", PeerValue.Required, "the largest compressed cluster, in bytes (the block size)"),
        new("-E", PeerValue.Required, "features, separated by commas; ^ in front turns one off"),
        new("-L", PeerValue.Required, "volume label of up to 15 bytes"),
        new("-T", PeerValue.Required, "a fixed time in seconds since 1970"),
        new("-U", PeerValue.Required, "UUID, or clear or random; without, it follows from what is in the image"),
        new("--all-time", PeerValue.None, "-T is the time of all files (default)"),
        new("--mkfs-time", PeerValue.None, "-T is the image's time alone"),
        new("--all-root", PeerValue.None, "all files belong to root"),
        new("--aufs", PeerValue.None, "marks of AUFS in tars become those of overlayfs"),
        new("--async-queue-limit", PeerValue.Required, "changes nothing: memory is bounded in any case"),
        new("--chunksize", PeerValue.Required, "uncompressed files; the size is checked, chunks are chosen by what is in files"),
        new("--clean", PeerValue.Required, "data: a whole new image (default)"),
        new("--compress-hints", PeerValue.Required, "a file that says how files of some paths are encoded"),
        new("--exclude-path", PeerValue.Required, "leave a path out, with all below"),
        new("--exclude-regex", PeerValue.Required, "leave paths out that a regular expression finds"),
        new("--force-uid", PeerValue.Required, "the user of all files"),
        new("--force-gid", PeerValue.Required, "the group of all files"),
        new("--uid-offset", PeerValue.Required, "what is added to the users of files"),
        new("--gid-offset", PeerValue.Required, "what is added to the groups of files"),
        new("--hard-dereference", PeerValue.None, "further names of a file become files of their own"),
        new("--ignore-mtime", PeerValue.None, "all files have the time of the image"),
        new("--preserve-mtime", PeerValue.None, "files keep their times (default)"),
        new("--mount-point", PeerValue.Required, "changes nothing: it is for --file-contexts"),
        new("--ovlfs-strip", PeerValue.Optional, "1: leave whiteouts out"),
        new("--quiet", PeerValue.None, "write nothing to standard output"),
        new("--sort", PeerValue.Required, "changes nothing: data has an order of its own"),
        new("--tar", PeerValue.Required, "f: the source is a tar; i: so, and its data stays there, as a device of the image"),
        new("--ungzip", PeerValue.Optional, "changes nothing: what is compressed is recognised"),
        new("--unxz", PeerValue.Optional, "changes nothing: what is compressed is recognised"),
        new("--workers", PeerValue.Required, "how many threads work"),
        new("--xattr-inode-digest", PeerValue.Optional,
            "the attribute that gets the SHA-256 of each file's data (erofs.fingerprint.v1)"),
        new("--xattr-prefix", PeerValue.Required, "changes nothing: names stand in full"),
        new("--zD", PeerValue.Optional, "0: directories are not compressed (default)"),
        new("--MZ", PeerValue.Optional, "0: no metadata zone (default)"),
        .. Refused,
    ];

    private static PeerOption[] Refused =>
    [
        No("-m", "metadata is not compressed"),
        No("--blobdev", "there is no data on another device; lamina merge --mode index keeps data where it is"),
        No("--dsunit", Unaligned),
        No("--fsalignblks", Unaligned),
        No("--gzinfo", "archives are not read at random", PeerValue.Optional),
        No("--incremental", "images are not changed in place; lamina append puts layers on top of one"),
        No("--max-extent-bytes", "the extent of clusters follows from -C"),
        No("--offset", "images begin at the start of a file"),
        No("--root-xattr-isize", "lamina keeps no room for attributes to come"),
        No("--vmdk-desc", "lamina merge --vmdk writes descriptors"),
        No("--zfeature-bits", "features are named with -E"),
        No("--file-contexts", "labels of SELinux are not set; label the files of the source"),
        No("--oci", "lamina build takes oci:DIR and archives of images"),
        No("--s3", "nothing is loaded from a network"),
    ];

    private static PeerOption No(string name, string why, PeerValue value = PeerValue.Required) =>
        new(name, value, why) { Refusal = why };
}
