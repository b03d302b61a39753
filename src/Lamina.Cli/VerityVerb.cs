using System.CommandLine;

namespace Lamina.Cli;

/// <summary><c>lamina verity</c>: dm-verity trees, root hashes, their signatures, digests. A verb for each.</summary>
internal sealed class VerityVerb : Command
{
    public VerityVerb(Session session) : base("verity",
        "Protects images with dm-verity: one root hash stands for every byte, and the kernel checks each block when it is read.")
    {
        Add(new VerityFormatVerb(session));
        Add(new VerityVerifyVerb(session));
        Add(new VerityInspectVerb(session));
        Add(new VeritySignVerb(session));
        Add(new VerityDigestVerb(session));
    }

    internal static Option<string> HashFileOption(string description) =>
        new("--hash-file") { HelpName = "FILE", Description = description };

    internal static Option<long?> HashOffsetOption()
    {
        Option<long?> option = new("--hash-offset")
        {
            HelpName = "BYTES",
            Description = "Where the tree's superblock is in its file. Without: behind the EROFS image, or at the start of " +
                "--hash-file",
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.Tokens[0].Value.StartsWith('-'))
                result.AddError($"--hash-offset {result.Tokens[0].Value}: a place in a file is expected");
        });
        return option;
    }
}
