using System.Text;
using Lamina.Trust;

namespace Lamina.Boot;

/// <summary>What lies over the merged tree when the system starts.</summary>
internal enum RootOverlay
{
    /// <summary>A tmpfs: the system can write, and what it writes is gone at the next boot.</summary>
    Tmpfs,

    /// <summary>Nothing: the root is read-only.</summary>
    None,
}

/// <summary>How layers become one tree.</summary>
internal enum LayerStacking
{
    /// <summary>
    /// What can be mounted as it is, as the index of an archive's layers, is; overlayfs stacks the layers that came later on it.
    /// Without such a thing all are merged.
    /// </summary>
    Auto,

    /// <summary>One EROFS mount shows all: their metadata are merged at boot, unless an index of just these is there.</summary>
    Merge,

    /// <summary>Each is mounted, overlayfs stacks them.</summary>
    Overlay,
}

/// <summary>What the new root is, once the layers are mounted.</summary>
internal enum RootBase
{
    /// <summary>The mount that shows the layers.</summary>
    Layers,

    /// <summary>
    /// A tmpfs, with the layers' directories mounted in it: for programs that delete their root and look what it is.
    /// </summary>
    Tmpfs,
}

/// <summary>What is started in the new root.</summary>
internal enum BootStart
{
    /// <summary>A system: init= of the command line, rd.init=, or the usual programs; /dev and the like are there.</summary>
    System,

    /// <summary>
    /// The /init of an initramfs, as a kernel starts it: nothing is mounted but the root, and init= is left to it.
    /// </summary>
    Initrd,
}

/// <summary>What becomes of files in rootfs that are not Lamina's: other archives brought them.</summary>
internal enum ForeignPolicy
{
    /// <summary>They are kept, unless the boot is to use only what root hashes cover.</summary>
    Auto,

    /// <summary>They come on top of the layers.</summary>
    Keep,

    /// <summary>They are deleted.</summary>
    Drop,
}

/// <summary>
/// What the kernel command line tells /init. The same class reads and writes it, so what composes a command line cannot differ
/// from what understands it.
/// </summary>
internal sealed record BootOptions
{
    private const string Prefix = "lamina.";
    private const string OverlayKey = "lamina.overlay", StackKey = "lamina.stack", RootKey = "lamina.root", LayersKey =
        "lamina.layers";
    private const string RootOnKey = "lamina.root-on", StartKey = "lamina.start";
    private const string TrustKey = "lamina.roothash", HashKey = "lamina.hash", CorruptionKey = "lamina.verity";
    private const string ForeignKey = "lamina.foreign", RescueKey = "lamina.rescue", CheckKey = "lamina.check";
    private const string InitKey = "init", InitramfsInitKey = "rd.init";

    /// <summary><c>lamina.overlay=tmpfs|none</c></summary>
    public RootOverlay Overlay { get; init; } = RootOverlay.Tmpfs;

    /// <summary><c>lamina.stack=auto|merge|overlay</c></summary>
    public LayerStacking Stacking { get; init; } = LayerStacking.Auto;

    /// <summary><c>lamina.foreign=keep|drop</c></summary>
    public ForeignPolicy Foreign { get; init; } = ForeignPolicy.Auto;

    /// <summary>
    /// <c>lamina.root=</c> a block device with an image that lies below all layers: /dev/NAME, LABEL=NAME or PARTUUID=ID; null
    /// without.
    /// </summary>
    public string? Root { get; init; }

    /// <summary>
    /// <c>lamina.layers=</c> names, separated by commas, lowest first: only these, in this order; null for all by name.
    /// </summary>
    public IReadOnlyList<string>? Layers { get; init; }

    /// <summary><c>lamina.roothash=</c> what is trusted; null if nothing is checked by dm-verity.</summary>
    public BootTrust? Trust { get; init; }

    /// <summary>
    /// <c>lamina.hash=</c> the block device with the tree of <see cref="Root"/>, named as that is; null if it stands behind the
    /// image.
    /// </summary>
    public string? HashDevice { get; init; }

    /// <summary><c>lamina.verity=eio|restart|panic</c> what the kernel does about a block that is not what it should
    /// be.</summary>
    public CorruptionAction Corruption { get; init; } = CorruptionAction.Fail;

    /// <summary><c>lamina.rescue</c>: a failed boot ends in a shell, if there is one.</summary>
    public bool AllowsRescue { get; init; }

    /// <summary><c>lamina.check</c>: every layer's SHA-256 is computed and compared before it is used.</summary>
    public bool ChecksLayers { get; init; }

    /// <summary><c>lamina.root-on=layers|tmpfs</c></summary>
    public RootBase RootOn { get; init; } = RootBase.Layers;

    /// <summary><c>lamina.start=system|initrd</c></summary>
    public BootStart Start { get; init; } = BootStart.System;

    /// <summary><c>init=</c> the program to start in the new root; null for the usual ones.</summary>
    public string? Init { get; init; }

    /// <summary><c>rd.init=</c> the program to start if there is no <c>init=</c>.</summary>
    public string? InitramfsInit { get; init; }

    /// <summary>Words that begin like ours but are not known, for a warning.</summary>
    public IReadOnlyList<string> Unknown { get; init; } = [];

    /// <summary>Reads a command line. What is not ours is passed over; the last of several wins, as in the kernel.</summary>
    /// <exception cref="ArgumentException">One of our options has a value that it cannot have.</exception>
    public static BootOptions Parse(string commandLine) => Parse(commandLine, new BootOptions());

    /// <summary>
    /// Reads what an archive says of itself, in the words of a command line. Only what is about the tree in it: nothing that
    /// could make a boot trust or show anything else.
    /// </summary>
    /// <exception cref="ArgumentException">It says something else.</exception>
    public static BootOptions ParseArchive(string words)
    {
        if (Split(words).Find(word => word.Split('=')[0] is not (RootOnKey or StartKey)) is { } other)
            throw new ArgumentException($"{other}: an archive can only say {RootOnKey}= and {StartKey}=");
        return Parse(words);
    }

    /// <summary>Reads a command line over what an archive has said.</summary>
    public static BootOptions Parse(string commandLine, BootOptions options)
    {
        List<string> unknown = [];
        foreach (string word in Split(commandLine))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            string key = equals < 0 ? word : word[..equals], value = equals < 0 ? "" : word[(equals + 1)..];
            options = key switch
            {
                OverlayKey => options with { Overlay = ParseOverlay(value) },
                StackKey => options with { Stacking = ParseStacking(value) },
                ForeignKey => options with { Foreign = ParseForeign(value) },
                RootKey => options with { Root = ParseDevice(RootKey, value) },
                LayersKey => options with { Layers = value.Split(',', StringSplitOptions.RemoveEmptyEntries) },
                TrustKey => options with { Trust = ParseTrust(value) },
                HashKey => options with { HashDevice = ParseDevice(HashKey, value) },
                CorruptionKey => options with { Corruption = ParseCorruption(value) },
                RescueKey => options with { AllowsRescue = ParseSwitch(RescueKey, value) },
                CheckKey => options with { ChecksLayers = ParseSwitch(CheckKey, value) },
                RootOnKey => options with { RootOn = ParseBase(value) },
                StartKey => options with { Start = ParseStart(value) },
                InitKey => options with { Init = value },
                InitramfsInitKey => options with { InitramfsInit = value },
                _ => options,
            };
            bool isOurs = key is OverlayKey or StackKey or RootKey or LayersKey or RescueKey or CheckKey
                or TrustKey or HashKey or CorruptionKey or RootOnKey or StartKey or ForeignKey;
            if (!isOurs && key.StartsWith(Prefix, StringComparison.Ordinal))
                unknown.Add(word);
        }
        return options with { Unknown = unknown };
    }

    /// <summary>Writes the options as words of a command line; what is as usual is left out.</summary>
    public override string ToString()
    {
        List<string> words = [];
        if (Overlay == RootOverlay.None)
            words.Add($"{OverlayKey}=none");
        if (Stacking != LayerStacking.Auto)
            words.Add($"{StackKey}={(Stacking == LayerStacking.Merge ? "merge" : "overlay")}");
        if (Foreign != ForeignPolicy.Auto)
            words.Add($"{ForeignKey}={(Foreign == ForeignPolicy.Keep ? "keep" : "drop")}");
        if (Root is not null)
            words.Add($"{RootKey}={Root}");
        if (Layers is not null)
            words.Add($"{LayersKey}={string.Join(',', Layers)}");
        if (Trust is not null)
            words.Add($"{TrustKey}={Trust}");
        if (HashDevice is not null)
            words.Add($"{HashKey}={HashDevice}");
        if (Corruption != CorruptionAction.Fail)
            words.Add($"{CorruptionKey}={(Corruption == CorruptionAction.Panic ? "panic" : "restart")}");
        if (AllowsRescue)
            words.Add(RescueKey);
        if (ChecksLayers)
            words.Add(CheckKey);
        if (Start == BootStart.Initrd)
            words.Add($"{StartKey}=initrd");
        if (RootOn == RootBase.Tmpfs)
            words.Add($"{RootOnKey}=tmpfs");
        if (InitramfsInit is not null)
            words.Add($"{InitramfsInitKey}={InitramfsInit}");
        if (Init is not null)
            words.Add($"{InitKey}={Init}");
        return string.Join(' ', words.Select(Quote));
    }

    /// <summary>
    /// The words of a command line: blanks part them, but not within double quotes, which themselves do not count.
    /// </summary>
    private static List<string> Split(string commandLine)
    {
        List<string> words = [];
        StringBuilder word = new();
        bool isQuoted = false, isWord = false;
        foreach (char c in commandLine)
        {
            if (c == '"')
                isQuoted = !isQuoted;
            else if (isQuoted || !char.IsWhiteSpace(c))
                word.Append(c);
            isWord |= c == '"' || !char.IsWhiteSpace(c);
            if (isQuoted || !char.IsWhiteSpace(c) || !isWord)
                continue;
            words.Add(word.ToString());
            word.Clear();
            isWord = false;
        }
        if (isWord)
            words.Add(word.ToString());
        // What follows two hyphens are arguments of init itself.
        int end = words.IndexOf("--");
        return end < 0 ? words : words[..end];
    }

    private static string Quote(string word)
    {
        if (word.Contains('"'))
            throw new ArgumentException($"{word}: a kernel command line has no way to write a double quote");
        return word.Any(char.IsWhiteSpace) ? $"\"{word}\"" : word;
    }

    private static RootOverlay ParseOverlay(string value) => value switch
    {
        "tmpfs" => RootOverlay.Tmpfs,
        "none" => RootOverlay.None,
        _ => throw Wrong(OverlayKey, value, "tmpfs or none"),
    };

    private static LayerStacking ParseStacking(string value) => value switch
    {
        "auto" => LayerStacking.Auto,
        "merge" => LayerStacking.Merge,
        "overlay" => LayerStacking.Overlay,
        _ => throw Wrong(StackKey, value, "auto, merge or overlay"),
    };

    private static ForeignPolicy ParseForeign(string value) => value switch
    {
        "keep" => ForeignPolicy.Keep,
        "drop" => ForeignPolicy.Drop,
        _ => throw Wrong(ForeignKey, value, "keep or drop"),
    };

    private static RootBase ParseBase(string value) => value switch
    {
        "layers" => RootBase.Layers,
        "tmpfs" => RootBase.Tmpfs,
        _ => throw Wrong(RootOnKey, value, "layers or tmpfs"),
    };

    private static BootStart ParseStart(string value) => value switch
    {
        "system" => BootStart.System,
        "initrd" => BootStart.Initrd,
        _ => throw Wrong(StartKey, value, "system or initrd"),
    };

    private static string ParseDevice(string key, string value)
    {
        bool isKnown = value.StartsWith("/dev/", StringComparison.Ordinal)
            || value.StartsWith("LABEL=", StringComparison.Ordinal) ||
            value.StartsWith("PARTUUID=", StringComparison.Ordinal);
        return isKnown ? value : throw Wrong(key, value, "/dev/NAME, LABEL=NAME or PARTUUID=ID");
    }

    private static BootTrust ParseTrust(string value) => BootTrust.TryParse(value)
        ?? throw Wrong(TrustKey, value, "one root hash, or several as NAME:HEX or list:HEX with commas between");

    private static CorruptionAction ParseCorruption(string value) => value switch
    {
        "eio" => CorruptionAction.Fail,
        "restart" => CorruptionAction.Restart,
        "panic" => CorruptionAction.Panic,
        _ => throw Wrong(CorruptionKey, value, "eio, restart or panic"),
    };

    private static bool ParseSwitch(string key, string value) => value switch
    {
        "" or "1" => true,
        "0" => false,
        _ => throw Wrong(key, value, "nothing, 1 or 0"),
    };

    private static ArgumentException Wrong(string key, string value, string expected) =>
        new($"{key}={value}: {expected} was expected");
}
