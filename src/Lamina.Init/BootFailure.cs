namespace Lamina.Init;

/// <summary>A boot that cannot go on, for a reason that the one who boots can understand.</summary>
internal sealed class BootFailure(string reason) : Exception(reason);
