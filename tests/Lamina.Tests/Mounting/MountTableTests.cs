using Lamina.Mounting;

namespace Lamina.Tests.Mounting;

public class MountTableTests
{
    [Fact]
    public void A_line_is_read_whatever_the_number_of_its_optional_fields()
    {
        string[] lines =
        [
            "36 35 7:0 / /mnt/a ro,relatime shared:1 master:2 - erofs /dev/loop0 ro,user_xattr",
            "37 35 7:1 / /mnt/b ro - erofs /dev/loop1 ro",
        ];
        Assert.Equal(
            [
                new MountTableEntry("/mnt/a", "erofs", "/dev/loop0", "ro,user_xattr"),
                new MountTableEntry("/mnt/b", "erofs", "/dev/loop1", "ro"),
            ],
            MountTable.Read(lines));
    }

    [Fact]
    public void Octal_escapes_are_decoded_and_other_backslashes_kept()
    {
        MountTableEntry entry = Assert.Single(MountTable.Read([@"1 2 0:1 / /a\040b\011c\134d\303\244\9 ro - tmpfs none ro"]));
        Assert.Equal("/a b\tc\\d\u00e4\\9", entry.Target);
    }

    [Fact]
    public void A_line_that_makes_no_sense_is_passed_over()
    {
        Assert.Empty(MountTable.Read(["", "36 35 7:0", "a - b", "1 2 3 4 - x y z"]));
    }
}
