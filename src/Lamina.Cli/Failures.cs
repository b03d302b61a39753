namespace Lamina.Cli;

/// <summary>A verb's answer is no; the message says why, the advice what to do.</summary>
internal sealed class NoException(string message, string? advice = null) : Exception(message)
{
    public string? Advice => advice;
}

/// <summary>Arguments that only together make no sense.</summary>
internal sealed class UsageException(string message, string? advice = null) : Exception(message)
{
    public string? Advice => advice;
}

/// <summary>Turns exceptions into a message of one line, advice on the next, and an exit code.</summary>
internal static class Failures
{
    public static int Report(Exception failure, Session session)
    {
        (int code, string message, string? advice) = Describe(failure, session);
        _ = session.FlushOutput();      // what went wrong first is told
        session.Error.WriteLine($"lamina: {message}");
        if (advice is not null)
            session.Error.WriteLine(advice);
        session.FlushMessages();
        return code;
    }

    private static (int Code, string Message, string? Advice) Describe(Exception failure, Session session) => failure switch
    {
        NoException no => (ExitCodes.No, no.Message, no.Advice),
        UsageException usage => (ExitCodes.WrongUsage, usage.Message, usage.Advice),
        CorruptImageException corrupt => (ExitCodes.BadInput, corrupt.Message, null),
        UnsupportedImageException unsupported => (ExitCodes.BadInput, unsupported.Message, unsupported.Advice),
        OperationCanceledException => (session.Interrupts.Code, "interrupted, nothing was written", null),
        FileNotFoundException { FileName: { } file } => (ExitCodes.Refused, $"{file}: there is no such file", null),
        DirectoryNotFoundException missing => (ExitCodes.Refused, missing.Message, null),
        IOException io => (ExitCodes.Refused, io.Message, null),
        UnauthorizedAccessException denied => (ExitCodes.Refused, denied.Message, null),
        PlatformNotSupportedException platform => (ExitCodes.Refused, platform.Message, null),
        OutOfMemoryException => (ExitCodes.Refused, "there is not enough memory", null),
        ArgumentException argument when argument.GetType() == typeof(ArgumentException) =>
            (ExitCodes.WrongUsage, WithoutParameter(argument), null),
        _ => (ExitCodes.Refused, $"a fault of the program: {failure.GetType().Name}: {failure.Message}",
            "Please report it, with the command and, if you can, the layers."),
    };

    /// <summary>The message as it was written: the BCL adds the name of the parameter.</summary>
    private static string WithoutParameter(ArgumentException failure)
    {
        string ending = $" (Parameter '{failure.ParamName}')";
        return failure.Message.EndsWith(ending, StringComparison.Ordinal) ? failure.Message[..^ending.Length] : failure.Message;
    }
}
