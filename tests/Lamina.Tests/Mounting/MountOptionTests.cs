using Lamina.Mounting;

namespace Lamina.Tests.Mounting;

public class MountOptionTests
{
    [Fact]
    public void Flags_of_any_mount_are_told_from_options_of_the_file_system()
    {
        (MountFlags flags, IReadOnlyList<MountOption> options) = MountOption.Parse("ro,nodev, nosuid,,dax=always,noacl");
        Assert.Equal(MountFlags.ReadOnly | MountFlags.NoDevices | MountFlags.NoSetUser, flags);
        Assert.Equal([new MountOption("dax", "always"), new MountOption("noacl")], options);
        Assert.Equal(["dax=always", "noacl"], options.Select(option => option.ToString()));
    }

    [Fact]
    public void A_writable_mount_is_refused()
    {
        Assert.Throws<ArgumentException>(() => MountOption.Parse("nodev,rw"));
    }
}
