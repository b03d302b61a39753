namespace Lamina.Bench;

internal static class Program
{
    public static int Main(string[] args)
    {
        try
        {
            (string verb, Setting setting) = Setting.Parse(args);
            switch (verb)
            {
                case "merge":
                    MergeBench.Run(setting);
                    break;
                case "scale":
                    ScaleBench.Run(setting);
                    break;
                case "verity":
                    VerityBench.Run(setting);
                    break;
                case "boot":
                    BootBench.Run(setting);
                    break;
                case "extract":
                    ExtractBench.Run(setting);
                    break;
                case "read":
                    ReadBench.Run(setting);
                    break;
                default:
                    WalkBench.Run(setting);
                    break;
            }
            return 0;
        }
        catch (BenchException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
