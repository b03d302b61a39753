using Lamina.Tests.Oracles;
using Lamina.Trust;

namespace Lamina.Tests.Verity;

public class FsVerityTests
{
    public static MatrixTheoryData<int, VerityAlgorithm, string> Files =>
        new([0, 1, 4095, 4096, 4097, 128 * 4096, 128 * 4096 + 1, 3_000_000], Enum.GetValues<VerityAlgorithm>(), ["", "c0ffee"]);

    [Theory]
    [MemberData(nameof(Files))]
    public void Digests_are_those_that_fsverity_prints(int length, VerityAlgorithm algorithm, string salt)
    {
        Tools.Require("fsverity");
        string file = VerityTreeTests.Data(length);
        string[] how = salt.Length == 0 ? [] : [$"--salt={salt}"];
        string expected = Tools.Run("fsverity",
            ["digest", "--compact", $"--hash-alg={algorithm.ToString().ToLowerInvariant()}", .. how,
                file]).MustSucceed().Output.Trim();
        using ByteSource source = ByteSource.OpenFile(file);
        Assert.Equal(expected, Convert.ToHexStringLower(FsVerity.Digest(source, algorithm, 4096, Convert.FromHexString(salt))));
    }

    [Fact]
    public void Sizes_that_cannot_be_are_refused()
    {
        ByteSource source = ByteSource.FromMemory("file", new byte[1]);
        Assert.Throws<ArgumentException>(() => FsVerity.Digest(source, blockSize: 512));
        Assert.Throws<ArgumentException>(() => FsVerity.Digest(source, salt: new byte[33]));
    }
}
