using System.Runtime.InteropServices;

namespace Lamina.Cli;

/// <summary>Where the programs are that a boot needs and this one puts into archives and images.</summary>
internal static class BootPrograms
{
    private const string InitName = "lamina-init", SourceMark = "Lamina.slnx";

    private static bool IsArm => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    private static string Platform => IsArm ? "linux-arm64" : "linux-x64";

    /// <summary>Where packages have /init, seen from the program's folder.</summary>
    private static readonly string[] s_installed = [InitName, $"../lib/lamina/{InitName}", $"/usr/lib/lamina/{InitName}"];

    /// <summary>/init: the one named, the one installed with this program, or that of the checkout this runs from.</summary>
    public static string FindInit(string? named) => named ?? FindInit(AppContext.BaseDirectory, s_installed);

    /// <summary>/init, seen from the folder of a program, links in whose own path are resolved.</summary>
    internal static string FindInit(string program, params ReadOnlySpan<string> places)
    {
        foreach (string place in places)
        {
            string path = Path.GetFullPath(place, program);
            if (File.Exists(path))
                return path;
        }
        for (DirectoryInfo? folder = new(program); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, SourceMark)))
                continue;
            string published = Path.Combine(folder.FullName, "artifacts/publish/Lamina.Init", $"release_{Platform}", InitName);
            if (File.Exists(published))
                return published;
            throw new UsageException("/init was not published yet in this checkout",
                $"Publish it: dotnet publish src/Lamina.Init -c Release -r {Platform}; or name a program with --init.");
        }
        throw new UsageException($"there is no {InitName} beside this program, in ../lib/lamina, or in /usr/lib/lamina",
            "Name the program with --init.");
    }

    /// <summary>systemd-stub: the one named, else where Debian's package has it.</summary>
    public static string FindStub(string? named)
    {
        string usual = $"/usr/lib/systemd/boot/efi/linux{(IsArm ? "aa64" : "x64")}.efi.stub";
        if (named is not null || File.Exists(usual))
            return named ?? usual;
        throw new UsageException($"systemd-stub is not at {usual}",
            "Install it (Debian: systemd-boot-efi), or name it with --stub.");
    }
}
