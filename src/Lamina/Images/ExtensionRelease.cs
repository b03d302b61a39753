using System.Runtime.InteropServices;
using System.Text;
using Lamina.Tree;

namespace Lamina.Images;

/// <summary>
/// System extensions as layers: an image says in extension-release which systems it fits, by the rules of systemd-sysext and
/// systemd-confext. What fits not is refused here, where somebody can do something about it.
/// </summary>
internal static class ExtensionRelease
{
    private const string Any = "_any";
    private const string Advice = "Take one that was built for this system, or merge it all the same: --any-extension";

    /// <summary>Longer than any such file, in bytes.</summary>
    private const int SizeLimit = 64 << 10;

    private static readonly string[] s_systems = ["etc/os-release", "usr/lib/os-release"];

    private static readonly (string Folder, string LevelKey)[] s_extensions =
        [("usr/lib/extension-release.d", "SYSEXT_LEVEL"), ("etc/extension-release.d", "CONFEXT_LEVEL")];

    /// <summary>Compares what layers say they fit with the system in the layers below them.</summary>
    /// <param name="layers">The layers, lowest first.</param>
    /// <exception cref="UnsupportedImageException">One is for another system.</exception>
    public static void Check(IReadOnlyList<Layer> layers)
    {
        for (int i = 1; i < layers.Count; i++)
        {
            foreach ((string folder, string levelKey) in s_extensions)
            {
                if (layers[i].Root.Find(folder, followLinks: true) is not { IsDirectory: true } directory)
                    continue;
                foreach (Entry entry in directory.EnumerateEntries())
                {
                    if (!entry.Name.Span.StartsWith("extension-release."u8) || entry.Node.Type != NodeType.RegularFile)
                        continue;
                    if (FindFault(Read(layers[i], entry.Node), SystemBelow(layers, i), levelKey) is { } fault)
                        throw new UnsupportedImageException(layers[i].Name, $"{folder}/{entry}: {fault}", Advice);
                }
            }
        }
    }

    private static string? FindFault(Dictionary<string, string> extension, Dictionary<string, string>? system, string levelKey)
    {
        if (extension.GetValueOrDefault("ID") is not { Length: > 0 } id)
            return "it has no ID=, so it fits no system";
        if (extension.GetValueOrDefault("ARCHITECTURE") is { Length: > 0 } processor && processor != Any
            && Processor(system) is { } own && processor != own)
        {
            return $"it is for processors called {processor}, the system is for {own}";
        }
        if (id == Any)
            return null;
        if (system is null)
            return $"it is for the system {id}, but no layer below has an os-release";
        string[] likes = [system.GetValueOrDefault("ID", "linux"), .. system.GetValueOrDefault("ID_LIKE", "").Split(' ')];
        if (!likes.Contains(id))
            return $"it is for the system {id}, the layers below are {likes[0]}";
        // A level that both have says it all; else the version has to be the same, where the system has one.
        if (extension.GetValueOrDefault(levelKey) is { Length: > 0 } level
            && system.GetValueOrDefault(levelKey) is { Length: > 0 } systemLevel)
        {
            return level == systemLevel ? null : $"it is for {levelKey}={level}, the layers below have {systemLevel}";
        }
        string? version = extension.GetValueOrDefault("VERSION_ID"), systemVersion = system.GetValueOrDefault("VERSION_ID");
        if (string.IsNullOrEmpty(systemVersion) || version == systemVersion)
            return null;
        return string.IsNullOrEmpty(version)
            ? $"it has neither {levelKey}= nor VERSION_ID=; the layers below are {id} {systemVersion}"
            : $"it is for {id} {version}, the layers below are {id} {systemVersion}";
    }

    /// <summary>What a system runs on: what it says itself, else the machine that this runs on, in systemd's words.</summary>
    private static string? Processor(Dictionary<string, string>? system) =>
        system?.GetValueOrDefault("ARCHITECTURE") is { Length: > 0 } named ? named : RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => "x86-64",
            Architecture.Arm64 => "arm64",
            Architecture.X86 => "x86",
            Architecture.Arm => "arm",
            _ => null,
        };

    private static Dictionary<string, string>? SystemBelow(IReadOnlyList<Layer> layers, int above)
    {
        for (int i = above - 1; i >= 0; i--)
        {
            foreach (string path in s_systems)
            {
                if (layers[i].Root.Find(path, followLinks: true) is { Type: NodeType.RegularFile } file)
                    return Read(layers[i], file);
            }
        }
        return null;
    }

    /// <summary>Reads assignments as a shell has them, a line each; quotes around a value do not count.</summary>
    private static Dictionary<string, string> Read(Layer layer, Node file)
    {
        if (file.Size > SizeLimit)
            throw new UnsupportedImageException(layer.Name, $"an os-release or extension-release of {file.Size} bytes");
        byte[] text = new byte[file.Size];
        file.Content.Open(layer.Name).ReadExactly(0, text);
        Dictionary<string, string> values = [];
        foreach (string line in Encoding.UTF8.GetString(text).Split('\n'))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && line[0] != '#')
                values[line[..equals].Trim()] = line[(equals + 1)..].Trim().Trim('"', '\'');
        }
        return values;
    }
}
