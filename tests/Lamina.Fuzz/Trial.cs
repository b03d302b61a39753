using Lamina.Checking;
using Lamina.Describing;
using Lamina.Exporting;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Reading;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Fuzz;

/// <summary>What came of a trial.</summary>
/// <param name="Fault">What must not be, if anything: the program's fault, not the image's.</param>
/// <param name="IsRefused">Whether something found the image wrong, as it should.</param>
/// <param name="Milliseconds">
/// How long all of it had a processor: what else the machine does is not the image's fault. What waits for ever is seen by who
/// watches the process.
/// </param>
internal readonly record struct TrialResult(string? Fault, bool IsRefused, double Milliseconds)
{
    /// <summary>Differences to other judges that have a reason: see <see cref="Exceptions"/>.</summary>
    public string[] Explained { get; init; } = [];
}

/// <summary>
/// The contract with images that lie: whatever their bytes, a check, an extraction and a merge end soon, with a result or with
/// one of the two exceptions that say so, and leave nothing behind. What a check finds sound, the others can read.
/// </summary>
internal sealed class Trial : ITrial
{
    private const string ImageName = "image", MergedName = "merged", TargetName = "target", UpperName = "upper";

    /// <summary>One merge in so many is checked itself: what is sound must stay so.</summary>
    private const int CheckedMerges = 4;

    private static readonly WriteOptions[] s_options =
    [
        new() { Mode = OutputMode.Full }, new() { Mode = OutputMode.Full, Kernel = KernelProfile.Linux615 },
        new() { Mode = OutputMode.Full, Kernel = KernelProfile.Linux61 }, new() { Mode = OutputMode.Full, BlockSize = 512 },
        new() { Mode = OutputMode.Index }, new() { Mode = OutputMode.Flat },
        new() { Mode = OutputMode.Flat, Kernel = KernelProfile.Linux615 },
    ];

    private readonly string _folder, _image, _merged, _upper, _work;
    private readonly Dictionary<string, string[]> _devices = [];
    private readonly string[] _expected;
    private int _count;

    /// <summary>Prepares a folder, which is new.</summary>
    /// <param name="folder">Where everything happens.</param>
    /// <param name="upper">A sound layer to merge with.</param>
    public Trial(string folder, byte[] upper)
    {
        _folder = folder;
        _work = Path.Combine(folder, "work");
        Directory.CreateDirectory(_work);
        (_image, _merged) = (Path.Combine(folder, ImageName), Path.Combine(_work, MergedName));
        _upper = Path.Combine(folder, UpperName);
        File.WriteAllBytes(_upper, upper);
        _expected = [ImageName, UpperName, "work"];
    }

    /// <inheritdoc/>
    public string Trees => _work;

    /// <inheritdoc/>
    public TrialResult Try(Mutation mutation, Random dice)
    {
        string[] devices = DevicesOf(mutation.Subject);
        File.WriteAllBytes(_image, mutation.Bytes);
        string specification = LayerOpener.Join(_image, devices);
        string target = Path.Combine(_work, $"{TargetName}{_count++}");
        WriteOptions options = s_options[dice.Next(s_options.Length)] with { ComputeDigests = dice.Next(4) == 0 };
        bool isLower = dice.Next(2) == 0, checksMerged = dice.Next(CheckedMerges) == 0;
        int threads = 1 + dice.Next(2);
        TimeSpan begun = Environment.CpuUsage.TotalTime;
        string? fault = null;
        bool isSound = mutation.Subject.IsTar, isRefused = false;
        if (!isSound)
        {
            CheckOptions checking = new() { Threads = threads };
            Attempt("check", () => isSound = ImageChecker.Check(_image, devices, checking).IsSound);
            isRefused = !isSound;
        }
        bool isExtracted = Attempt("extract", () =>
        {
            using Layer layer = LayerOpener.Open(specification);
            Extractor.Extract(ImageName, layer.Root, target, new ExtractOptions { Threads = threads });
        });
        if (!isExtracted && Directory.Exists(target))
            fault ??= "extract: it failed, and left its directory behind";
        Attempt("another verb", () => ReadOtherwise(dice.Next(6), specification, devices));
        string[] layers = isLower ? [specification, _upper] : [_upper, specification];
        bool isPlanned = Attempt("plan", () => MergedImage.Plan(layers, _merged, options));
        bool isMerged = Attempt("merge", () => MergedImage.Create(layers, _merged, options));
        if (isPlanned && !isMerged && isSound && !mutation.Subject.IsTar)
            fault ??= "merge: it was planned without a fault, and failed";
        if (isMerged && isSound && checksMerged)
        {
            string[] originals = options.Mode == OutputMode.Index ? [.. layers.SelectMany(LayerOpener.Split)] : [];
            foreach (ImageFault wrong in ImageChecker.Check(_merged, originals).Faults)
                fault ??= $"merge: {options} gives an image with a fault: {wrong}";
        }
        double time = (Environment.CpuUsage.TotalTime - begun).TotalMilliseconds;
        if (isMerged)
            File.Delete(_merged);
        return new TrialResult(fault ?? Leftovers(isExtracted ? [Path.GetFileName(target)] : []), isRefused, time);

        bool Attempt(string what, Action action)
        {
            try
            {
                action();
                return true;
            }
            catch (CorruptImageException corrupt)
            {
                isRefused = true;
                if (isSound && !mutation.Subject.IsTar)
                    fault ??= $"{what}: the check found the image sound: {corrupt}";
            }
            catch (UnsupportedImageException)
            {
                isRefused = true;
            }
            catch (Exception unknown)
            {
                fault ??= $"{what}: {unknown}";
            }
            return false;
        }
    }

    /// <summary>What other verbs do with an image, one of them at a time.</summary>
    private void ReadOtherwise(int verb, string specification, string[] devices)
    {
        if (verb < 2 && !ErofsImage.IsErofs(ByteSource.FromMemory(ImageName, File.ReadAllBytes(_image))))
            return;
        if (verb == 0)
        {
            using ErofsImage image = ErofsImage.Open(_image, devices);
            ImageDumper.Dump(image, TextWriter.Null);
            return;
        }
        if (verb == 1)
        {
            ImageInfo.Read(_image, devices);
            return;
        }
        using Layer layer = LayerOpener.Open(specification);
        using Layer upper = LayerOpener.Open(_upper);
        switch (verb)
        {
            case 2:
                Manifest.Write(ImageName, layer.Root, Stream.Null, new ManifestOptions { Threads = 1 });
                break;
            case 3:
                TarExport.Write(ImageName, layer.Root, Stream.Null);
                break;
            case 4:
                CpioExport.Write(ImageName, layer.Root, Stream.Null);
                break;
            default:
                TreeComparison.Compare(ImageName, layer.Root, UpperName, upper.Root, new CompareOptions { Threads = 1 });
                break;
        }
    }

    /// <summary>What is where nothing should be; null if all is as it was.</summary>
    private string? Leftovers(string[] extracted)
    {
        string[] beside = [.. Directory.EnumerateFileSystemEntries(_folder).Select(Path.GetFileName).Except(_expected)!];
        string[] within = [.. Directory.EnumerateFileSystemEntries(_work).Select(path => Path.GetFileName(path)!)
            .Where(name => !name.StartsWith(TargetName, StringComparison.Ordinal)).Except(extracted)];
        return beside.Length + within.Length == 0 ? null : $"left behind: {string.Join(", ", [.. beside, .. within])}";
    }

    private string[] DevicesOf(Subject subject)
    {
        if (_devices.TryGetValue(subject.Name, out string[]? known))
            return known;
        // Beside the folder that is watched, as they stay.
        string[] paths = [.. subject.Devices.Select((_, i) => $"{_folder}-{subject.Name}-{i}")];
        for (int i = 0; i < paths.Length; i++)
            File.WriteAllBytes(paths[i], subject.Devices[i]);
        _devices.Add(subject.Name, paths);
        return paths;
    }
}
