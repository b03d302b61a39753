using System.CommandLine;
using Lamina.Images;
using Lamina.Platform;
using Lamina.Trust;

namespace Lamina.Cli;

/// <summary><c>lamina verity inspect</c>: the tree that an image has, as it claims.</summary>
internal sealed class VerityInspectVerb : Verb
{
    private readonly Argument<string> _image = new("IMAGE") { Description = "The image" };
    private readonly Option<string> _hashFile = VerityVerb.HashFileOption(
        "The file that has the tree. Without: the image itself");
    private readonly Option<long?> _hashOffset = VerityVerb.HashOffsetOption();
    private readonly Option<bool> _json = JsonOption();

    public VerityInspectVerb(Session session) : base(session, "inspect",
        "Shows the dm-verity tree of an image and the root hash that its top block has. Nothing is verified.",
        "lamina verity inspect root.erofs",
        "lamina verity inspect root.erofs --hash-file root.verity --json")
    {
        Add(_image);
        Add(_hashFile);
        Add(_hashOffset);
        Add(_json);
    }

    protected override int Run(ParseResult arguments)
    {
        string image = arguments.GetRequiredValue(_image);
        string? hashFile = arguments.GetValue(_hashFile);
        (VerityInfo info, bool isOnDisk) =
            VerityImage.FindPlace(image, hashFile, arguments.GetValue(_hashOffset)) ?? throw new NoException(
            $"{image}: there is no dm-verity tree behind the image", $"Make one: lamina verity format {ShellText.Quote(image)}");
        VerityText text = new(info, image, hashFile) { IsDisk = isOnDisk };
        if (arguments.GetValue(_json))
            text.WriteJson(Output);
        else
            text.Write(Output);
        return ExitCodes.Done;
    }
}
