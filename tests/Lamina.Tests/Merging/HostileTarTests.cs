using System.Diagnostics;
using System.Globalization;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Merging;

/// <summary>
/// Tars changed by dice, merged over an image and written in full: a result or one of the two faults. LAMINA_HOSTILE_SECONDS and
/// LAMINA_HOSTILE_SEED in the environment make more of it.
/// </summary>
public class HostileTarTests(ITestOutputHelper output)
{
    private const int DefaultSeconds = 3, DefaultSeed = 20240817, Block = 512;

    [Fact]
    public void Tars_changed_by_dice_merge_or_fail_with_a_fault_that_says_why()
    {
        byte[][] archives = [.. ((string[])["config.tar", "app.tar", "main.tar", "base-gnu.tar"]).Select(name =>
            File.ReadAllBytes(Corpus.PathOf(name)))];
        int[][] headers = [.. archives.Select(HeadersOf)];
        byte[] lower = File.ReadAllBytes(TestImages.Of(Grow.Directory(("etc", Grow.Directory(("x", Grow.File("other")))),
            ("dir", Grow.Directory()))).Path);
        string folder = Scratch.NewFolder("hostile"), path = Path.Combine(folder, "merged.erofs");
        Random dice = new(Setting("LAMINA_HOSTILE_SEED", DefaultSeed));
        TimeSpan limit = TimeSpan.FromSeconds(Setting("LAMINA_HOSTILE_SECONDS", DefaultSeconds)), slowest = TimeSpan.Zero;
        Stopwatch clock = Stopwatch.StartNew();
        int rounds = 0, faults = 0;
        for (; clock.Elapsed < limit; rounds++)
        {
            // The small one more often than all others together.
            int which = dice.Next(3) > 0 ? 0 : dice.Next(archives.Length);
            byte[] archive = (byte[])archives[which].Clone();
            for (int i = dice.Next(1, 4); i > 0; i--)
                Change(archive, headers[which], dice);
            WriteOptions options = TestImages.Full with { Kernel = dice.Next(2) == 0 ? KernelProfile.Linux615 : null };
            TimeSpan before = clock.Elapsed;
            Exception? fault = Record.Exception(() => MergeOver(lower, archive, (WhiteoutRules)dice.Next(3), path, options));
            slowest = clock.Elapsed - before > slowest ? clock.Elapsed - before : slowest;
            if (fault is not (null or CorruptImageException or UnsupportedImageException))
                Assert.Fail($"archive {which}, round {rounds}: {fault}");
            faults += fault is null ? 0 : 1;
            Assert.Empty(Directory.GetFiles(folder));
        }
        output.WriteLine($"{rounds} archives, {faults} with faults; the slowest took {slowest.TotalMilliseconds:f0} ms");
        Assert.InRange(slowest, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.True(faults > rounds / 20 && faults < rounds);
    }

    private static void MergeOver(byte[] lower, byte[] archive, WhiteoutRules rules, string path, WriteOptions options)
    {
        using Layer low = ErofsLayer.Open(ErofsImage.Open(ByteSource.FromMemory("low", lower)));
        using Layer tar = TarLayer.Open(ByteSource.FromMemory("hostile.tar", archive), rules);
        try
        {
            ImageWriter.Write(Merger.Merge([low, tar]), [low, tar], path, options);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static int[] HeadersOf(byte[] archive) =>
        [.. Enumerable.Range(0, archive.Length / Block).Select(i => i * Block).Where(at =>
            archive.AsSpan(at + 257).StartsWith("ustar"u8))];

    private static void Change(byte[] archive, int[] headers, Random dice)
    {
        int header = headers[dice.Next(headers.Length)];
        // What follows a header may be the records of pax.
        int at = header + (dice.Next(3) == 0 ? dice.Next(2 * Block) : dice.Next(345));
        if (at >= archive.Length)
            return;
        switch (dice.Next(4))
        {
            case 0:
                archive[at] = (byte)dice.Next(256);
                break;
            case 1:
                archive[at] ^= (byte)(1 << dice.Next(8));
                break;
            case 2:
                archive[header + 156] = (byte)"01234567SLKxg\0"[dice.Next(14)];
                break;
            default:
                archive.AsSpan(headers[dice.Next(headers.Length)], 100).CopyTo(archive.AsSpan(header));
                break;
        }
        if (dice.Next(10) != 0)
            TarBuilder.Sum(archive.AsSpan(header, Block));
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
