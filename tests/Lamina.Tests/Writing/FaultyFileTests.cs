using Lamina.Images;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Writing;

/// <summary>What no image can hold is told with the layer and the path that have it.</summary>
public class FaultyFileTests
{
    private static readonly byte[] s_acl = [2, 0, 0, 0, 1, 0, 7, 0];

    public static TheoryData<string, byte[], string> Attributes => new()
    {
        { "foo", [1], "xattr foo: EROFS has no such namespace" },
        { "user.large", new byte[65536], "xattr user.large: a value of 65536 bytes; EROFS holds 65535" },
        { "system.posix_acl_access", s_acl, "" },
        { "security.capability", [1, 2, 3], "" },
    };

    [Theory]
    [MemberData(nameof(Attributes))]
    public void An_attribute_that_cannot_be_written_is_told_with_its_layer_and_path(string name, byte[] value, string fault)
    {
        string folder = Scratch.NewFolder("attributes"), lower = Path.Combine(folder, "lower.tar");
        string upper = Path.Combine(folder, "upper.tar");
        File.WriteAllBytes(lower, new TarBuilder().Directory("etc").File("etc/sound").File("other").End().ToArray());
        File.WriteAllBytes(upper, new TarBuilder().Directory("etc").Directory("etc/deep").Pax(($"SCHILY.xattr.{name}", value))
            .File("etc/deep/bad").End().ToArray());
        foreach (string[] layers in (string[][])[[lower, upper], [upper, lower]])
        {
            Exception failure = Assert.ThrowsAny<Exception>(() => MergedImage.Create(layers, Path.Combine(folder, "out")));
            Assert.StartsWith($"{upper}: /etc/deep/bad: {fault}", failure.Message);
        }
    }

    [Fact]
    public void A_root_that_cannot_be_written_is_told_as_well()
    {
        string folder = Scratch.NewFolder("attributes"), layer = Path.Combine(folder, "root.tar");
        File.WriteAllBytes(layer, new TarBuilder().Pax(("SCHILY.xattr.odd", "x")).Directory("./").End().ToArray());
        Exception failure = Assert.ThrowsAny<Exception>(() => MergedImage.Create([layer], Path.Combine(folder, "out")));
        Assert.StartsWith($"{layer}: /: xattr odd: EROFS has no such namespace", failure.Message);
    }
}
