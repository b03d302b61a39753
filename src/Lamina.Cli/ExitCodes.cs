namespace Lamina.Cli;

/// <summary>What the program ends with.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>The answer is no: a check failed, trees differ, devices are not the right ones.</summary>
    public const int No = 1;

    public const int WrongUsage = 2;

    /// <summary>The input is corrupt, or uses what is not supported.</summary>
    public const int BadInput = 3;

    /// <summary>The system refused: input and output, permission, space.</summary>
    public const int Refused = 4;

    /// <summary>A signal ended it: 128 and the signal's number, as shells have it.</summary>
    public const int Interrupted = 130, Terminated = 143;
}
