using Lamina.Boot;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Tree;
using Lamina.Trust;

// Two directories become an image, the image is read, an initrd is made of it and signed for, all in the folder that is named.
string folder = args[0], lower = Path.Combine(folder, "lower"), upper = Path.Combine(folder, "upper");
string image = Path.Combine(folder, "merged.erofs"), initrd = Path.Combine(folder, "initrd.img");
foreach ((string layer, string text) in ((string, string)[])[(lower, "below"), (upper, "hello")])
{
    Directory.CreateDirectory(Path.Combine(layer, "etc"));
    File.WriteAllText(Path.Combine(layer, "etc", "motd"), text);
}
MergedImage.Create([lower, upper], image);
InitrdResult made = InitrdBuilder.Build([new InitrdLayer(image)], initrd, new InitrdOptions
{
    Init = Environment.ProcessPath!,
    Verity = new VerityOptions(),
});
if (!made.CommandLine.Contains("lamina.roothash="))
    return 1;
using Layer merged = LayerOpener.Open(image);
using StreamReader reader = new(merged.Root.Get("/etc/motd", followLinks: true).OpenRead());
Console.WriteLine($"merged: {reader.ReadToEnd()}");
return 0;
