using System.Diagnostics;
using System.Globalization;
using Lamina.Fuzz;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Fuzz;

/// <summary>
/// A slice of what Lamina.Fuzz does in processes of their own: images changed by dice, each checked, extracted and merged. More
/// than a few seconds of it are had with LAMINA_FUZZ_SECONDS in the environment, and other dice with LAMINA_FUZZ_SEED.
/// </summary>
public class FuzzTests(ITestOutputHelper output)
{
    private const int DefaultSeconds = 8, DefaultSeed = 20240817;

    /// <summary>Other tests run in the same process, and their time counts as well; but a hang shows.</summary>
    private const double PatienceMilliseconds = 20_000;

    private static readonly Lazy<Subject[]> s_subjects = new(
        () => Subject.ReadCorpus(Lamina.Fuzz.Options.CorpusPath, Scratch.NewFolder("seeds")));

    [Fact]
    public void Images_changed_by_dice_are_read_or_refused_and_leave_nothing_behind()
    {
        int seed = Setting("LAMINA_FUZZ_SEED", DefaultSeed);
        TimeSpan limit = TimeSpan.FromSeconds(Setting("LAMINA_FUZZ_SECONDS", DefaultSeconds));
        Subject[] subjects = s_subjects.Value;
        Trial trial = new(Path.Combine(Scratch.NewFolder("fuzz"), "trial"), File.ReadAllBytes(Corpus.Layer("config", "lz4hc")));
        Stopwatch clock = Stopwatch.StartNew();
        int index = 0, refused = 0;
        double slowest = 0;
        for (; clock.Elapsed < limit; index++)
        {
            Random dice = Mutation.DiceOf(seed, index);
            Mutation mutation = Mutation.Make(subjects, index, dice);
            TrialResult result = trial.Try(mutation, dice);
            Assert.True(result.Fault is null && result.Milliseconds < PatienceMilliseconds,
                $"seed {seed}, image {index}, {mutation.Subject.Name}: {mutation.Changes}: {result.Milliseconds} ms, " +
                $"{result.Fault}");
            refused += result.IsRefused ? 1 : 0;
            slowest = Math.Max(slowest, result.Milliseconds);
        }
        Worker.RemoveTrees(trial);
        Assert.Empty(Directory.EnumerateFileSystemEntries(trial.Trees));
        output.WriteLine($"{index} images, {refused} refused, slowest {slowest:f0} ms");
        Assert.InRange(refused, index / 4, index - 1);
    }

    /// <summary>The same images: what Lamina finds no fault in, and what it merges, the kernel mounts and reads.</summary>
    [Fact]
    public void What_is_found_sound_the_kernel_reads_to_the_last_byte()
    {
        KernelMount.SkipUnlessPossible();
        int seed = Setting("LAMINA_FUZZ_SEED", DefaultSeed);
        TimeSpan limit = TimeSpan.FromSeconds(Setting("LAMINA_FUZZ_SECONDS", DefaultSeconds));
        Subject[] subjects = s_subjects.Value;
        KernelTrial trial = new(Path.Combine(Scratch.NewFolder("fuzz"), "trial"),
            File.ReadAllBytes(Corpus.Layer("config", "lz4hc")), null);
        Stopwatch clock = Stopwatch.StartNew();
        int index = 0, refused = 0;
        for (; clock.Elapsed < limit; index++)
        {
            Random dice = Mutation.DiceOf(seed, index);
            Mutation mutation = Mutation.Make(subjects, index, dice);
            TrialResult result = trial.Try(mutation, dice);
            Assert.True(result.Fault is null,
                $"seed {seed}, image {index}, {mutation.Subject.Name}: {mutation.Changes}: {result.Fault}");
            refused += result.IsRefused ? 1 : 0;
        }
        output.WriteLine($"{index} images, {refused} refused");
        Assert.InRange(refused, index / 4, index - 1);
    }

    [Fact]
    public void A_mutation_is_the_same_each_time_and_changes_its_subject()
    {
        Subject[] subjects = s_subjects.Value;
        Assert.Equal(Corpus.Images.Count(row => !row.Name.StartsWith("layer-base", StringComparison.Ordinal)),
            subjects.Count(subject => !subject.IsTar && !subject.Name.StartsWith("merged-", StringComparison.Ordinal)));
        HashSet<string> hit = [];
        int changed = 0;
        for (int index = 0; index < 400; index++)
        {
            Mutation mutation = Mutation.Make(subjects, index, Mutation.DiceOf(1, index));
            Assert.Equal(mutation.Bytes, Mutation.Make(subjects, index, Mutation.DiceOf(1, index)).Bytes);
            changed += mutation.Bytes.AsSpan().SequenceEqual(mutation.Subject.Bytes) ? 0 : 1;
            hit.Add(mutation.Subject.Name);
        }
        Assert.InRange(changed, 360, 400);
        Assert.Equal(subjects.Length, hit.Count);
        Assert.Equal(Enum.GetValues<PlaceKind>(),
            subjects.SelectMany(subject => subject.Places).Select(place => place.Kind).Distinct().Order());
    }

    [Fact]
    public void A_worker_can_write_in_its_folder_and_nowhere_else()
    {
        string inside = Scratch.NewFolder("inside"), outside = Scratch.NewFolder("outside");
        string there = Path.Combine(outside, "there");
        File.WriteAllText(there, "untouched");
        bool isPossible = false;
        Exception? written = null, made = null, removed = null;
        Thread thread = new(() =>
        {
            isPossible = Sandbox.TryEnter(inside);
            if (!isPossible)
                return;
            File.WriteAllText(Path.Combine(inside, "a"), "a");
            File.CreateSymbolicLink(Path.Combine(inside, "way"), outside);
            written = Record.Exception(() => File.WriteAllText(there, "changed"));
            made = Record.Exception(() => File.WriteAllText(Path.Combine(inside, "way", "new"), "new"));
            removed = Record.Exception(() => File.Delete(there));
        });
        thread.Start();
        thread.Join();
        Assert.SkipUnless(isPossible, "this kernel has no Landlock");
        Assert.All([written, made, removed], refused => Assert.IsType<UnauthorizedAccessException>(refused));
        Assert.Equal("untouched", File.ReadAllText(there));
        Assert.Single(Directory.GetFiles(outside));
    }

    [Fact]
    public void The_command_counts_and_leaves_nothing()
    {
        string scratch = Scratch.NewFolder("fuzz-scratch"), program = Path.Combine(AppContext.BaseDirectory, "Lamina.Fuzz.dll");
        string[] arguments = [program, "--count", "6", "--seed", "3", "--workers", "1", "--scratch", scratch];
        ToolResult run = Tools.Run(Tools.Require("dotnet"), [.. arguments, "--keep", Scratch.NewPath("kept")]).MustSucceed();
        Assert.Matches(@"^6 images, 0 faults, \d refused, slowest \d+ ms of processor time, peak \d+ MiB, seed 3, \d+ s",
            run.Output);
        Assert.Empty(Directory.GetFileSystemEntries(scratch));
        Assert.Equal(2, Tools.Run(Tools.Require("dotnet"), program, "--nonsense").ExitCode);
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
