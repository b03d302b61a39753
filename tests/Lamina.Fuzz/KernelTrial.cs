using System.Diagnostics;
using Lamina.Checking;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Mounting;
using Lamina.Reading;
using Lamina.Writing;

namespace Lamina.Fuzz;

/// <summary>
/// Lamina against the kernel of this machine and fsck.erofs: what a check finds without fault, and what a merge makes of it,
/// they must read to the last byte. The kernel may be more patient than Lamina, never less.
/// </summary>
internal sealed class KernelTrial : ITrial
{
    private const int FsckMilliseconds = 8000;

    private static readonly WriteOptions[] s_options =
    [
        new(), new() { Kernel = KernelProfile.Linux615 }, new() { Kernel = KernelProfile.Linux61 },
        new() { Mode = OutputMode.Index }, new() { Mode = OutputMode.Full }, new() { Mode = OutputMode.Full, BlockSize = 512 },
        new() { Mode = OutputMode.Full, Kernel = KernelProfile.Linux615, BlockSize = 512 },
    ];

    private readonly string _folder, _image, _merged, _upper, _mount;
    private readonly string? _fsck;
    private readonly Dictionary<string, string[]> _devices = [];
    private readonly KernelLog _log = new();

    /// <summary>Prepares a folder, which is new, on a file system whose files the kernel mounts.</summary>
    /// <param name="folder">Where everything happens.</param>
    /// <param name="upper">A sound layer to merge with.</param>
    /// <param name="fsck">The path of fsck.erofs; null without.</param>
    public KernelTrial(string folder, byte[] upper, string? fsck)
    {
        (_folder, _fsck) = (folder, fsck);
        (_image, _merged) = (Path.Combine(folder, "image"), Path.Combine(folder, "merged"));
        (_upper, _mount) = (Path.Combine(folder, "upper"), Path.Combine(folder, "mount"));
        Trees = Path.Combine(folder, "work");
        Directory.CreateDirectory(Trees);
        Directory.CreateDirectory(_mount);
        File.WriteAllBytes(_upper, upper);
    }

    /// <inheritdoc/>
    public string Trees { get; }

    /// <inheritdoc/>
    public TrialResult Try(Mutation mutation, Random dice)
    {
        string[] devices = DevicesOf(mutation.Subject);
        File.Delete(_image);                    // a new file: nothing of the last one is in the kernel's memory
        File.WriteAllBytes(_image, mutation.Bytes);
        List<Refusal> refusals = [];
        bool isRefused = false;
        try
        {
            isRefused = !mutation.Subject.IsTar && !ImageChecker.Check(_image, devices).IsSound;
            if (!isRefused && !mutation.Subject.IsTar)
                refusals.AddRange(Judge(_image, devices));
            if (!isRefused && refusals.Count == 0)
                refusals.AddRange(JudgeMerge(devices, dice));
        }
        catch (Exception refusal) when (refusal is CorruptImageException or UnsupportedImageException)
        {
            isRefused = true;
        }
        string[] explained = [.. refusals.Select(Exceptions.ReasonFor).OfType<string>().Distinct()];
        Refusal? fault = refusals.Find(refusal => Exceptions.ReasonFor(refusal) is null);
        return new TrialResult(fault?.ToString(), isRefused, 0) { Explained = explained };
    }

    private List<Refusal> JudgeMerge(string[] devices, Random dice)
    {
        File.Delete(_merged);
        string specification = string.Join(LayerOpener.DeviceSeparator, [_image, .. devices]);
        string[] layers = dice.Next(3) switch
        {
            0 => [specification],
            1 => [specification, _upper],
            _ => [_upper, specification],
        };
        WriteOptions options = s_options[dice.Next(s_options.Length)] with { ComputeDigests = false };
        MergedImage.Create(layers, _merged, options);
        string[] originals = options.Mode == OutputMode.Index ? [.. layers.SelectMany(LayerOpener.Split)] : [];
        return [.. Judge(_merged, originals, options.Mode == OutputMode.Index).Select(refusal =>
            refusal with { Call = $"{refusal.Call} (merged: {options.Mode} {options.Kernel} {options.BlockSize})" })];
    }

    /// <summary>What the judges do not take of an image.</summary>
    private List<Refusal> Judge(string image, string[] devices, bool isIndex = false)
    {
        List<Refusal> refusals = [];
        try
        {
            Mounter.Mount(new MountRequest(image, devices, _mount) { ExtraOptions = "nodev,nosuid" });
            try
            {
                refusals.AddRange(KernelView.Read(_mount));
            }
            finally
            {
                MountCall.Unmount(_mount);
            }
        }
        catch (IOException refused)
        {
            refusals.Add(new Refusal(KernelView.Kernel, "mount", "/", refused.HResult, refused.Message));
        }
        (string said, bool isAlarm) = _log.Read();
        if (isAlarm)
            throw new InvalidOperationException($"the kernel warns of itself, nothing more is tried: {said}");
        if (refusals.Count > 0)
            refusals = [.. refusals.Select(refusal => refusal with { Said = $"{refusal.Said}; the kernel's log: {said}" })];
        // With a device table it looks for addresses of the whole space in the image itself, and finds other data there.
        bool isAsked = _fsck is not null && !isIndex;
        if (isAsked && Fsck(_fsck!, image, devices) is { } wrong)
            refusals.Add(wrong);
        if (refusals.Count == 0)
            return refusals;
        using ByteSource bytes = ByteSource.OpenFile(image);
        int block = ErofsImage.ReadSuperBlock(bytes).BlockSize;
        bool hasHoles = Places.HasIndexedHoles(image, devices);
        return [.. refusals.Select(refusal => refusal with
        {
            HasPartialBlock = bytes.Length % block != 0,
            HasLargeBlocks = block > Environment.SystemPageSize,
            HasHoles = hasHoles,
        })];
    }

    private static Refusal? Fsck(string program, string image, string[] devices)
    {
        ProcessStartInfo start = new(program, ["--extract", .. devices.Select(device => $"--device={device}"), image])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(FsckMilliseconds))
        {
            process.Kill();
            process.WaitForExit();
            return null;                        // patience is not its judgement
        }
        return process.ExitCode == 0 ? null
            : new Refusal(Exceptions.Fsck, "check", "/", process.ExitCode, $"{errors.Result} {output.Result}".Trim());
    }

    private string[] DevicesOf(Subject subject)
    {
        if (_devices.TryGetValue(subject.Name, out string[]? known))
            return known;
        string[] paths = [.. subject.Devices.Select((_, i) => Path.Combine(_folder, $"{subject.Name}-{i}"))];
        for (int i = 0; i < paths.Length; i++)
            File.WriteAllBytes(paths[i], subject.Devices[i]);
        _devices.Add(subject.Name, paths);
        return paths;
    }
}
