using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Reading;

/// <summary>
/// Every image of the corpus with bytes changed by dice, most of them where structures are. More than a few seconds of it are
/// had with
/// LAMINA_HOSTILE_SECONDS in the environment, and other dice with LAMINA_HOSTILE_SEED.
/// </summary>
public class HostileImageTests(ITestOutputHelper output)
{
    private const int DefaultSeconds = 8, DefaultSeed = 20240817;

    private static readonly ulong[] s_values =
    [
        0, 1, 2, 3, 4, 7, 8, 0x7F, 0x80, 0xFF, 0x7FF, 0x800, 0xFFF, 0x1000, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0xFF_FFFF,
            0x7FFF_FFFF, 0x8000_0000,
        0xFFFF_FFFE, 0xFFFF_FFFF, 0x1_0000_0000, 0xFFFF_FFFF_FFFF, 1UL << 40, 1UL << 62, 1UL << 63, (1UL << 63) - 1,
            ulong.MaxValue - 1, ulong.MaxValue,
    ];

    private static readonly WriteOptions[] s_options =
    [
        TestImages.Full, TestImages.Full, TestImages.Full with { Kernel = KernelProfile.Linux615 },
            TestImages.Full with { Kernel = KernelProfile.Linux61 },
        TestImages.Full with { BlockSize = 512 }, TestImages.Index, TestImages.Flat,
    ];

    private sealed record Subject(string Name, byte[] Image, byte[][] Devices, List<(int At, int Length)> Places);

    [Fact]
    public void Images_changed_by_dice_merge_or_fail_with_a_fault_that_says_why()
    {
        HostileImage hostile = new();
        Subject[] subjects = [.. Corpus.Images.Where(row => !row.Name.StartsWith("layer-base")).Select(Load)];
        Random dice = new(Setting("LAMINA_HOSTILE_SEED", DefaultSeed));
        TimeSpan limit = TimeSpan.FromSeconds(Setting("LAMINA_HOSTILE_SECONDS", DefaultSeconds));
        Stopwatch clock = Stopwatch.StartNew();
        int rounds = 0, faults = 0;
        for (; clock.Elapsed < limit; rounds++)
        {
            Subject subject = subjects[rounds % subjects.Length];
            byte[] image = (byte[])subject.Image.Clone();
            List<string> changes = [];
            for (int i = dice.Next(1, 4); i > 0; i--)
                changes.Add(Change(image, subject.Places, dice));
            if (dice.Next(16) != 0)
                HostileImage.Sum(image);
            WriteOptions options = s_options[dice.Next(s_options.Length)] with { ComputesDigests = false };
            string how = $"{options.Mode} {options.Kernel?.Version} {options.BlockSize}";
            string label = $"{subject.Name}, round {rounds}, {how}: {string.Join("; ", changes)}";
            faults += hostile.Try(image, subject.Devices, options, label) is null ? 0 : 1;
        }
        output.WriteLine($"{rounds} images, {faults} with faults; the slowest took {hostile.Slowest.TotalMilliseconds:f0} ms");
        Assert.True(faults > rounds / 20 && faults < rounds);
    }

    private static Subject Load(CorpusRow row)
    {
        byte[] image = File.ReadAllBytes(row.ImagePath);
        byte[][] devices = [.. row.DevicePaths.Select(File.ReadAllBytes)];
        return new Subject(row.Name, image, devices, HostileImage.Structures(image, devices));
    }

    private static string Change(byte[] image, List<(int At, int Length)> places, Random dice)
    {
        // The superblock is small beside the rest, but what it says reaches far.
        (int start, int length) = places[dice.Next(8) == 0 ? 0 : dice.Next(places.Count)];
        int at = dice.Next(20) == 0 ? dice.Next(image.Length) : start + dice.Next(length);
        if (dice.Next(2) == 0)
            at &= ~3;
        int size = Math.Min(1 << dice.Next(4), image.Length - at);
        Span<byte> bytes = image.AsSpan(at, size);
        switch (dice.Next(5))
        {
            case 0:
                dice.NextBytes(bytes);
                break;
            case 1:
                bytes[0] ^= (byte)(1 << dice.Next(8));
                break;
            case 2:
                (int from, int count) = places[dice.Next(places.Count)];
                image.AsSpan(Math.Min(from + dice.Next(count), image.Length - size), size).CopyTo(bytes);
                break;
            default:
                Span<byte> value = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(value, s_values[dice.Next(s_values.Length)]);
                value[..size].CopyTo(bytes);
                break;
        }
        return $"0x{at:x} = {Convert.ToHexStringLower(bytes)}";
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
