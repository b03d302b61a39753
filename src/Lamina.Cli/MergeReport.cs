using System.Text.Json;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Platform;
using Lamina.Writing;

namespace Lamina.Cli;

/// <summary>What a merge came to, for people and for programs.</summary>
internal sealed record MergeReport(WriteResult Result, IReadOnlyList<string> Layers)
{
    public required string Mode { get; init; }

    public bool IsDryRun { get; init; }

    public MergeAccount? Account { get; init; }

    public string? VmdkPath { get; init; }

    /// <summary>A name for each layer that was merged: a container image has several.</summary>
    private IReadOnlyList<string> AllLayers => Result.LayerNames.Count > Layers.Count ? Result.LayerNames : Layers;

    /// <summary>The image with its devices, as the program takes it.</summary>
    private string Specification => LayerOpener.Join(Result.Path, Result.Devices);

    public void Write(Session session)
    {
        TextWriter output = session.Output;
        if (Account is not null)
        {
            new Explanation(Account, AllLayers).Write(session);
            output.WriteLine();
        }
        if (session.IsQuiet)
        {
            // The root hash is what the tree was made for, and is nowhere else.
            if (Result.Verity is { } made)
                output.WriteLine(made.RootHashText);
            return;
        }
        string done = IsDryRun ? "would be" : "is";
        output.WriteLine($"{Result.Path} {done} {Texts.Size(Result.Length)} ({Mode}): {Texts.Count(Result.InodeCount, "file")} " +
            $"of {Texts.Count(AllLayers.Count, "layer")}, for Linux {Result.Kernel} and later");
        output.WriteLine($"  layers, lowest first: {Texts.Names(Layers)}");
        output.WriteLine($"  {Texts.Size(Result.MetadataLength)} of metadata, " +
            $"{Texts.Size(Result.CopiedLength)} of data copied into it, " +
            $"blocks of {Result.BlockSize} bytes");
        if (Result.Encoding is { } encoding)
            EncodeText.Write(session, encoding);
        if (Result.Sharing is { } sharing)
            SharingText.Write(output, sharing);
        if (IsDryRun)
            return;
        if (Result.Verity is { } tree)
        {
            output.WriteLine($"  {Texts.Size(tree.HashLength)} of dm-verity tree behind it, at byte {tree.HashOffset}");
            new VerityText(tree, Result.Path, null).WriteUse(output);
        }
        if (VmdkPath is not null)
        {
            output.WriteLine($"Use it as a disk:  qemu-system-x86_64 ... " +
                $"-drive file={ShellText.Quote(VmdkPath)},format=vmdk,if=virtio,readonly=on");
            output.WriteLine("Inside the guest:  mount -t erofs -o ro /dev/vda DIR");
            return;
        }
        output.WriteLine($"Mount it:  lamina mount {ShellText.Quote(Specification)} DIR");
        // Each of many devices would be there twice, and --json has the line.
        if (Result.Devices.Count <= Texts.MaxNames)
            output.WriteLine($"       or  {MountLine()}");
    }

    public void WriteJson(TextWriter output)
    {
        using JsonOutput json = new(output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartObject();
        writer.WriteString("output", Result.Path);
        writer.WriteString("mode", Mode);
        writer.WriteBoolean("dryRun", IsDryRun);
        writer.WriteNumber("length", Result.Length);
        writer.WriteNumber("blockSize", Result.BlockSize);
        writer.WriteNumber("files", Result.InodeCount);
        writer.WriteNumber("metadataLength", Result.MetadataLength);
        writer.WriteNumber("copiedLength", Result.CopiedLength);
        writer.WriteString("kernel", Result.Kernel.ToString(2));
        json.WriteStrings("layers", Layers);
        json.WriteStrings("devices", Result.Devices);
        if (VmdkPath is not null)
            writer.WriteString("vmdk", VmdkPath);
        else
            writer.WriteString("mountLine", MountLine());
        if (Result.Verity is { } tree)
        {
            writer.WriteStartObject("verity");
            new VerityText(tree, Result.Path, null).WriteFields(writer);
            writer.WriteEndObject();
        }
        if (Result.Encoding is { } encoding)
            EncodeText.WriteJson(writer, encoding);
        if (Result.Sharing is { } sharing)
            SharingText.WriteJson(json, sharing);
        if (Account is not null)
            new Explanation(Account, AllLayers).WriteJson(json);
        writer.WriteEndObject();
    }

    /// <summary>
    /// For mount(8), which puts a loop device under the image; devices must be block devices then as well, or the kernel
    /// refuses them.
    /// </summary>
    private string MountLine()
    {
        string devices = string.Concat(Result.Devices
            .Select(device => $",device=$(losetup -rf --show {ShellText.Quote(device)})"));
        return $"mount -t erofs -o ro{devices} {ShellText.Quote(Result.Path)} DIR";
    }
}
