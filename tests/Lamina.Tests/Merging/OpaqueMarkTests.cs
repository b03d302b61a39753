using Lamina.Layers;
using Lamina.Merging;
using Lamina.Tests.Generators;
using Lamina.Tests.Layers;
using Lamina.Tree;

namespace Lamina.Tests.Merging;

/// <summary>Marks of OCI layers in directories that the layer has no entry for.</summary>
public class OpaqueMarkTests
{
    [Theory]
    [InlineData("d/.wh..wh..opq", 0x1C0)]
    [InlineData(".wh.d", 0x1ED)]
    public void An_opaque_mark_alone_keeps_what_the_directory_is_and_a_whiteout_does_not(string mark, int permissions)
    {
        using Layer lower = TarTree.Open(new TarBuilder().Directory("./").Directory("d", 0x1C0, 7).File("d/old").End());
        using Layer upper = TarTree.Open(new TarBuilder().File(mark).File("d/new").End());
        Node directory = Merger.Merge([lower, upper]).Listing.Find("d"u8)!;
        Assert.Equal(permissions, directory.Permissions);
        Assert.Equal("new"u8, Assert.Single(directory.Listing.Read()).Name.Span);
    }
}
