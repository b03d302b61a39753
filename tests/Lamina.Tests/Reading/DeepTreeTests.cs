using Lamina.Checking;
using Lamina.Describing;
using Lamina.Reading;
using Lamina.Tests.Generators;
using Lamina.Tree;
using Trees = Lamina.Tests.Exporting.Trees;

namespace Lamina.Tests.Reading;

/// <summary>Trees so deep that all their paths together would fill the memory.</summary>
public class DeepTreeTests
{
    private const int Depth = 1500;

    [Fact]
    public void Paths_that_no_program_can_name_are_cut_in_a_dump()
    {
        using ErofsImage image = ErofsImage.Open(Deep().Path);
        using StringWriter text = new();
        Assert.Equal(0, ImageDumper.Dump(image, text, TestContext.Current.CancellationToken));
        string[] lines = text.ToString().Split('\n');
        Assert.InRange(lines.Max(line => line.Length), 1, 5000);
        Assert.Contains(lines, line => line.Contains("bytes: inode", StringComparison.Ordinal)
            && line.EndsWith(", .../end", StringComparison.Ordinal));
    }

    [Fact]
    public void A_fault_below_them_is_told_by_its_inode()
    {
        ImageFile file = Deep();
        byte[] bytes = File.ReadAllBytes(file.Path);
        using (ErofsImage image = ErofsImage.Open(file.Path))
        {
            ImageEntry entry = image.RootEntry();
            for (int i = 0; i < Depth; i++)
                entry = entry.EnumerateEntries().First(one => one.IsDirectory);
            Inode end = entry.Find("end"u8)!.Inode;
            Assert.False(end.Record.IsExtended);
            bytes[end.Position + 6] += 5;
        }
        using ErofsImage changed = ErofsImage.Open(ByteSource.FromMemory("changed", bytes));
        ImageFault fault = Assert.Single(ImageChecker.Check(changed).Faults);
        Assert.Contains("its link count is 6", fault.Message);
        Assert.Null(fault.Path);
    }

    private static ImageFile Deep()
    {
        string name = new('d', 200);
        Node root = Trees.Root(Trees.File("end", ""));
        for (int i = 0; i < Depth; i++)
            root = Trees.Root(new Entry(Trees.Bytes(name), root));
        return TestImages.Of(root);
    }
}
