using Lamina.Format;
using Lamina.Reading;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests.Writing;

public class XattrFilterTests
{
    [Fact]
    public void The_name_filter_is_the_one_mkfs_makes()
    {
        using ErofsImage image = ErofsImage.Open(ByteSource.OpenFile(Corpus.PathOf("xattr-filter.erofs")));
        Assert.True(image.SuperBlock.Has(CompatibleFeatures.XattrFilter));
        int compared = 0;
        foreach (Inode inode in Walk(image, image.ReadInode(image.SuperBlock.RootNid)))
        {
            if (inode.Record.XattrCount == 0)
                continue;
            XattrHeader header = XattrHeader.Parse(image.MetadataOf(inode.Nid).Read(inode.Position + inode.Record.RecordSize,
                XattrHeader.Size));
            Assert.Equal(header.NameFilter, XattrPlanner.FilterOf(image.Xattrs.Read(inode).Items));
            compared++;
        }
        Assert.True(compared > 8, $"{compared} inodes with xattrs");
    }

    private static IEnumerable<Inode> Walk(ErofsImage image, Inode directory)
    {
        yield return directory;
        foreach (DirectoryItem item in DirectoryReader.Read(image, directory))
        {
            Inode inode = image.ReadInode(item.Nid);
            foreach (Inode below in inode.Type == NodeType.Directory ? Walk(image, inode) : [inode])
                yield return below;
        }
    }
}
