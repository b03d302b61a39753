using System.Security.Cryptography;
using Lamina.Boot;
using Lamina.Tests.Oracles;

namespace Lamina.Tests.Boot;

/// <summary>Layers in place are found in whatever the boot loader put together, and only those that the lists mean.</summary>
public class KernelCopyTests
{
    private const string Name = "500-layer.erofs";

    private readonly byte[] _layer = File.ReadAllBytes(Corpus.PathOf("plain.erofs"));

    [Theory]
    [InlineData("")]
    [InlineData("zstd -1")]
    [InlineData("zstd --no-check -19")]
    [InlineData("gzip -1")]
    [InlineData("xz -0 --check=crc32")]
    [InlineData("lz4 -l")]
    [InlineData("bzip2")]
    public void A_layer_is_found_behind_and_in_front_of_what_is_compressed(string program)
    {
        byte[] packed = Pack(program, File.ReadAllBytes(Corpus.PathOf("main.cpio"))), archive = Archive(_layer);
        byte[] copy = [.. packed, .. archive, .. packed];
        KernelCopy found = Read(copy);
        LayerPlace place = Assert.Single(found.Layers);
        Assert.Equal(Name, place.Name);
        Assert.Equal(_layer, copy.AsSpan((int)place.Offset, (int)place.Size));
        Assert.Equal(program.Length == 0 ? 0 : 2, found.Unknown.Count);
        Assert.All(found.Unknown, part => Assert.StartsWith(part.Kind!, program));
        Assert.Null(found.CutOff);
    }

    /// <summary>In an archive that was stored as it is in what cannot be walked, a layer of the same name and size.</summary>
    [Fact]
    public void What_only_looks_like_the_layer_is_passed_over()
    {
        byte[] other = [.. _layer];
        other[5000] ^= 1;
        byte[] decoy = [.. "no archive, "u8, .. Archive(other)], copy = [.. decoy, .. decoy, .. Archive(_layer)];
        KernelCopy found = Read(copy);
        LayerPlace place = Assert.Single(found.Layers);
        Assert.Equal(copy.Length - Archive(_layer).Length, place.Offset - Offset(Archive(_layer)));

        found = Read([.. decoy, .. decoy]);
        Assert.Empty(found.Layers);
        Assert.Equal("what has its name and size has not its SHA-256", found.Explain());
    }

    [Fact]
    public void Why_a_layer_is_not_there_is_told()
    {
        byte[] archive = Archive(_layer);
        KernelCopy found = Read(archive[..(archive.Length - 70_000)]);
        Assert.Empty(found.Layers);
        Assert.StartsWith("the archives are cut off, their last entry begins at byte ", found.Explain());

        byte[] packed = Pack("gzip -1", archive);
        Assert.Equal($"bytes 0 to {packed.Length - 1} are compressed with gzip; a layer in place must not be compressed " +
            "(or use --form files)", Read(packed).Explain());
        packed = Pack("zstd -1", archive);
        Assert.Contains("compressed with zstd", Read(packed).Explain());
        Assert.Equal("the archive is cut off", Read(File.ReadAllBytes(Corpus.PathOf("main.cpio"))).Explain());
    }

    /// <summary>Headers that promise more than there is, again and again, cost no more than one look at the copy.</summary>
    [Fact]
    public void Many_headers_that_lead_nowhere_end_the_search()
    {
        byte[] head = Archive(_layer)[..(int)Offset(Archive(_layer))];
        int start = head.AsSpan().LastIndexOf("070701"u8);
        byte[] one = [.. head[start..], .. new byte[-(head.Length - start) & 3]];
        byte[] copy = [.. "no archive, "u8, .. Enumerable.Repeat(one, 400).SelectMany(bytes => bytes)];
        KernelCopy found = Read(copy);
        Assert.Empty(found.Layers);
        Assert.NotEmpty(found.Unknown);
    }

    private KernelCopy Read(byte[] copy) => KernelCopy.Read(ByteSource.FromMemory("copy", copy),
        [new ListedLayer(Name, _layer.Length, Convert.ToHexStringLower(SHA256.HashData(_layer)), InitrdForm.InPlace, false)]);

    private static long Offset(byte[] archive)
    {
        KernelCopy copy = KernelCopy.Read(ByteSource.FromMemory("archive", archive), []);
        return copy.Layers[0].Offset;
    }

    private static byte[] Archive(byte[] layer)
    {
        string path = Scratch.NewPath("layer.erofs"), archive = Scratch.NewPath("archive");
        File.WriteAllBytes(path, layer);
        InitrdBuilder.Build([new InitrdLayer(path) { Name = Name }], archive, new InitrdOptions { Form = InitrdForm.InPlace });
        return File.ReadAllBytes(archive);
    }

    private static byte[] Pack(string command, byte[] bytes)
    {
        string plain = Scratch.NewPath("plain"), packed = Scratch.NewPath("packed");
        File.WriteAllBytes(plain, bytes);
        if (command.Length == 0)
            return bytes;
        Tools.Require(command.Split(' ')[0]);
        Tools.Run("sh", "-c", $"{command} < '{plain}' > '{packed}'").MustSucceed();
        byte[] result = File.ReadAllBytes(packed);
        return [.. result, .. new byte[-result.Length & 3]];
    }
}
