using System.Runtime.InteropServices;

namespace Lamina.Fuzz;

/// <summary>Many changed images, and what must hold for each: see <see cref="Trial"/>.</summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        if (Options.Parse(arguments) is not { } options)
        {
            Console.Error.WriteLine(Options.Usage);
            return 2;
        }
        if (options.WorkerFrom is { } first)
            return Worker.Run(options, first);
        string memory = Directory.Exists("/dev/shm") && !options.AsksKernel ? "/dev/shm" : Path.GetTempPath();
        string parent = options.Scratch.Length > 0 ? options.Scratch : memory;
        string folder = Path.Combine(parent, $"lamina-fuzz-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        using Overseer overseer = new(options.WithScratch(folder));
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        try
        {
            return overseer.Run();
        }
        finally
        {
            if (!Environment.IsPrivilegedProcess)
                Worker.Run("chmod", "-R", "u+rwx", folder);
            Worker.Run("rm", "-rf", folder);
        }

        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            overseer.Dispose();
        }
    }
}
