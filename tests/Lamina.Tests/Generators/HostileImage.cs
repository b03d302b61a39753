using System.Buffers.Binary;
using System.Diagnostics;
using Lamina.Format;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Reading;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Generators;

/// <summary>
/// The contract with images that lie: whatever their bytes, a merge and a walk end soon, with a result or with one of the two
/// faults that say so, in little memory, and leave nothing behind.
/// </summary>
internal sealed class HostileImage
{
    public const string Name = "hostile.erofs";

    /// <summary>
    /// Bytes that may be allocated besides as many as the image has: everything that is ever made on the way counts.
    /// </summary>
    private const long Allowance = 256 << 20;

    /// <summary>Data read from each end of a file; sizes are mere claims.</summary>
    private const int ReadAtOnce = 1 << 18;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly string _folder = Scratch.NewFolder("hostile");
    private readonly byte[] _other = File.ReadAllBytes(TestImages.Of(Grow.Directory(("zz", Grow.File("other")),
        ("dir", Grow.Directory()))).Path);

    /// <summary>The longest time that one image took.</summary>
    public TimeSpan Slowest { get; private set; }

    /// <summary>Tries an image; returns the fault, null if it was sound, and fails the test for anything else.</summary>
    public Exception? Try(byte[] image, byte[][] devices, WriteOptions options, string label)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Stopwatch clock = Stopwatch.StartNew();
        Exception? fault = null;
        try
        {
            MergeAndRead(image, devices, options);
        }
        catch (Exception thrown)
        {
            fault = thrown;
        }
        TimeSpan time = clock.Elapsed;
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Slowest = time > Slowest ? time : Slowest;
        if (fault is not (null or CorruptImageException or UnsupportedImageException))
            Assert.Fail($"{label}: {fault}");
        Assert.True(time < s_patience, $"{label}: took {time}");
        Assert.True(allocated < Allowance + image.Length, $"{label}: allocated {allocated} bytes");
        Assert.Empty(Directory.GetFiles(_folder));
        if (fault is CorruptImageException)
            Assert.Matches($"^({Name}|output|other|device)", fault.Message);
        return fault;
    }

    private void MergeAndRead(byte[] image, byte[][] devices, WriteOptions options)
    {
        string path = Path.Combine(_folder, "merged.erofs");
        using ByteSource bytes = ByteSource.FromMemory(Name, image);
        ByteSource[] others = [.. devices.Select(device => ByteSource.FromMemory("device", device))];
        using Layer layer = ErofsLayer.Open(ErofsImage.Open(bytes, others));
        using Layer top = ErofsLayer.Open(ErofsImage.Open(ByteSource.FromMemory("other", _other)));
        Node root = Merger.Merge([layer, top], new MergeOptions { Account = new MergeAccount() });
        byte[] buffer = new byte[ReadAtOnce];
        foreach ((_, Node node) in Trees.Walk(root))
        {
            if (node.Type == NodeType.RegularFile)
                ReadEnds(node.Content, buffer);
        }
        try
        {
            ImageWriter.Write(root, [layer, top], path, options);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void ReadEnds(Content content, byte[] buffer)
    {
        ContentSource source = content.Open(Name);
        int count = (int)Math.Min(content.Size, buffer.Length);
        source.ReadExactly(0, buffer.AsSpan(0, count));
        if (content.Size > count)
            source.ReadExactly(content.Size - count, buffer.AsSpan(0, count));
    }
}
