using Lamina.Boot;
using Lamina.Mounting;

namespace Lamina.Init;

/// <summary>
/// The first process of a boot: from the archive that the kernel unpacked to the system that runs. From top to bottom.
/// </summary>
internal static class Program
{
    private static string s_step = "start";

    public static int Main(string[] arguments)
    {
        BootOptions options = new();
        try
        {
            Step("looking at what the archives brought");
            OtherFiles others = OtherFiles.Find();

            Step("mounting /dev, /proc, /sys and /run");
            KernelTrees.Mount();
            KernelLog.Say("started");

            Step("reading the command line");
            options = BootOptions.Parse(File.ReadAllText("/proc/cmdline"), ArchiveOptions());
            foreach (string word in options.Unknown)
                KernelLog.Warn($"{word} on the command line is not known");

            Step("loading modules");
            string release = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
            Modules.Load(release);
            if (options.Trust is not null)
                Modules.LoadRare("dm_verity", release);
            Modules.Require("erofs", release);

            Step("finding the layers");
            using LayerSet layers = LayerSet.Find(options);

            others.Decide(options);

            Step("mounting the layers");
            RootTree root = RootTree.Mount(layers, options, release, others);

            Step("moving files of other archives");
            others.Move(RootTree.Path, movesRun: options.Start == BootStart.System);
            root.Finish();

            Step("switching to the new root");
            string directory = options.RootOn == RootBase.Tmpfs ? TmpfsRoot.Make(RootTree.Path) : RootTree.Path;
            SystemStart.SwitchRoot(directory, movesTrees: options.Start == BootStart.System);

            Step("starting init");
            SystemStart.Execute(options, arguments);
        }
        catch (Exception failure)
        {
            // Whatever it is, nobody above us could do anything about it, and somebody must be told.
            KernelLog.Fail(s_step, failure.Message);
            if (options.AllowsRescue)
                SystemStart.Rescue();
        }
        return 1;       // the kernel panics, and does what panic= says
    }

    /// <summary>What the archive says of its tree; what the command line says goes before.</summary>
    private static BootOptions ArchiveOptions()
    {
        const string path = $"/{BootFiles.Options}";
        return File.Exists(path) ? BootOptions.ParseArchive(File.ReadAllText(path)) : new BootOptions();
    }

    private static void Step(string name) => s_step = name;
}
