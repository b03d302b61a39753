using Lamina.Boot;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Writing;

namespace Lamina.Tests.Boot;

/// <summary>A kernel that shares pages of files does so for merged images of layers with fingerprints.</summary>
public class PageSharingBootTests
{
    private const int Pages = 512;

    [Theory]
    [InlineData(SharingLayers.Name)]
    [InlineData(SharingLayers.Unseen)]
    public void A_file_that_was_read_through_one_mount_is_in_memory_for_all_others(string name)
    {
        TestKernel kernel = BootKit.Require("7.2");
        byte[] big = new byte[Pages * 4096];
        new Random(7).NextBytes(big);
        ImageFile low = SharingLayers.Of(name, ("big", big)), high = SharingLayers.Of(name, ("other", [1, 2, 3]));
        string tar = Corpus.PathOf("config.tar"), packed = Corpus.Layer("app", "zstd-frag");
        ImageFile[] images =
        [
            TestImages.MergeAs(TestImages.Flat, null, low, tar), TestImages.MergeAs(TestImages.Full, null, high, low, packed),
            TestImages.MergeAs(TestImages.Index with { BlockSize = 4096 }, null, low, high),
        ];
        const string options = "inode_share,domain_id=test";
        string mounts = $"/dev/vda,{options}:/dev/vdb,{options}:/dev/vdc,{options},device=/dev/vdd,device=/dev/vde:" +
            "/dev/vdf,inode_share,domain_id=another:/dev/vdg";
        string system = BootKit.MakeSystem(BootKit.Compile("share-init"), "share.erofs");
        string initrd = BootKit.MakeInitrd(kernel, InitrdForm.Files, [system], "virtio_blk", "virtio_pci");
        BootStory story = BootKit.Boot(kernel, initrd, $"share={mounts}", disks:
            [.. images.Select(image => image.Path), .. images[2].Devices, images[0].Path, images[0].Path]);
        string[] told = [.. story.Lines.Where(line => line.StartsWith("P: ", StringComparison.Ordinal))];
        string hash = HashOf(big);
        // The first mount reads it; the next two have it in memory at once; another domain, and a mount without the option, not.
        int[] resident = [0, Pages, Pages, 0, 0];
        Assert.Equal(resident.Select((count, i) => $"P: {i + 1} resident {count} of {Pages}, read {hash}"), told);
    }

    private static string HashOf(byte[] bytes)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (byte one in bytes)
            hash = unchecked((hash ^ one) * 0x100000001b3);
        return $"{hash:x16}";
    }
}
