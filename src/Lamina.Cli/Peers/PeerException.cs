namespace Lamina.Cli.Peers;

/// <summary>What a program of erofs-utils ends with exit code 1 for, in words.</summary>
internal sealed class PeerException(string message, string? advice = null) : Exception(message)
{
    public string? Advice => advice;
}
