using Lamina.Images;
using Lamina.Layers;
using Lamina.Platform;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Trust;
using Lamina.Writing;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Tests.Images;

public class AppendTests
{
    public static TheoryData<string> Layouts => [.. Corpus.Layouts];

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Layers_appended_one_by_one_show_what_overlayfs_shows_and_split_gives_all_back(string layout)
    {
        string[] layers = [.. Corpus.LayerNames.Select(name => Corpus.Layer(name, layout))];
        string image = Merge.ToFile([layers[0]], new WriteOptions()).Path;
        byte[] first = File.ReadAllBytes(image);
        MergedImage.Append(image, [layers[1]]);
        byte[] second = File.ReadAllBytes(image);
        MergedImage.Append(image, [layers[2]]);
        Assert.Equal(Corpus.MergedTruth(), Judge.Show(image, [], noLinkCounts: true));

        string folder = Scratch.NewFolder("split");
        IReadOnlyList<string> files = MergedImage.Split(image, folder);
        Assert.Equal(layers.Select(Path.GetFileName), files.Take(3).Select(Path.GetFileName));
        Assert.Equal(layers.Select(File.ReadAllBytes), files.Take(3).Select(File.ReadAllBytes));
        Assert.Equal([first, second], files.Skip(3).Select(File.ReadAllBytes));
    }

    [Fact]
    public void A_compressed_layer_can_be_put_on_a_flat_image_of_tars_with_small_blocks()
    {
        string image = Merge.ToFile([Corpus.PathOf("base.tar"), Corpus.PathOf("app.tar")], new WriteOptions()).Path;
        MergedImage.Append(image, [Corpus.Layer("config", "zstd-frag")]);
        Assert.Equal(Corpus.MergedTruth(), Judge.Show(image, [], noLinkCounts: true));
        IReadOnlyList<string> files = MergedImage.Split(image, Scratch.NewFolder("split"));
        Assert.Equal(File.ReadAllBytes(Corpus.PathOf("base.tar")), File.ReadAllBytes(files[0]));
    }

    /// <summary>Dies at one of its operations, half-way into a write, and does nothing any more from then on.</summary>
    private sealed class DyingOutput(SafeFileHandle handle, int lifetime) : ImageOutput(handle, null)
    {
        private int _left = lifetime;

        public bool IsDead => _left < 0;

        public override void Write(ReadOnlySpan<byte> bytes, long position)
        {
            bool dies = Interlocked.Decrement(ref _left) == -1;
            // The header is one page: a disk writes it whole or not at all. Larger writes may be cut anywhere.
            if (dies && bytes.Length > 4096)
                base.Write(bytes[..(bytes.Length / 2)], position);
            Die();
            base.Write(bytes, position);
        }

        public override void CopyFrom(ByteSource source, long offset, long position, long length)
        {
            byte[] bytes = new byte[length];
            source.ReadExactly(offset, bytes);
            Write(bytes, position);
        }

        public override void WriteAside(ReadOnlySpan<byte> bytes, long position)
        {
            bool dies = Interlocked.Decrement(ref _left) == -1;
            if (dies)
                base.WriteAside(bytes[..(bytes.Length / 2)], position);
            Die();
            base.WriteAside(bytes, position);
        }

        public override void SetLength(long length)
        {
            Interlocked.Decrement(ref _left);
            Die();
            base.SetLength(length);
        }

        public override void Flush()
        {
            Interlocked.Decrement(ref _left);
            Die();
            base.Flush();
        }

        private void Die()
        {
            if (IsDead)
                throw new IOException("died");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_append_that_is_killed_at_any_write_leaves_the_old_image_or_the_new_one(bool hasTree)
    {
        WriteOptions options = new() { Verity = hasTree ? new VerityOptions() : null };
        string whole = Merge.ToFile([Corpus.Layer("base", "zstd-frag")], options).Path;
        byte[] old = File.ReadAllBytes(whole);
        string[] before = Manifest(whole);
        VerityInfo? oldTree = VerityImage.Find(whole);
        string added = Corpus.Layer("app", "lzma");
        MergedImage.Append(whole, [added], options);
        string[] after = Manifest(whole);
        VerityInfo? newTree = VerityImage.Find(whole);

        bool finished = false;
        int oldOnes = 0, newOnes = 0;
        for (int lifetime = 0; !finished; lifetime++)
        {
            string image = Scratch.NewPath("killed.erofs");
            File.WriteAllBytes(image, old);
            using (Layer layer = LayerOpener.Open(added))
            {
                try
                {
                    FlatImage.Append(image, [layer], options, null, (file, _) => new DyingOutput(file.Handle, lifetime));
                    finished = true;
                }
                catch (IOException died) when (died.Message == "died")
                {
                    Assert.True(lifetime < 100, "never finishes");
                }
            }
            string[] shown = Manifest(image);
            Assert.True(shown.SequenceEqual(before) || shown.SequenceEqual(after), $"neither image after {lifetime} operations");
            oldOnes += shown.SequenceEqual(before) ? 1 : 0;
            newOnes += shown.SequenceEqual(after) ? 1 : 0;
            if ((shown.SequenceEqual(before) ? oldTree : newTree) is { } tree)
            {
                // What was begun behind the tree is not covered by it; the message says to cut it off.
                VerityReport report = VerityImage.Verify(image, tree.RootHash.Span);
                if (!report.IsSound && report.Faults[0].Contains("cut them off", StringComparison.Ordinal))
                {
                    using FileStream file = new(image, FileMode.Open);
                    file.SetLength(tree.HashOffset + tree.HashLength);
                }
                Assert.True(VerityImage.Verify(image, tree.RootHash.Span).IsSound, $"a wrong tree after {lifetime} operations");
            }
            // What was cut off is no obstacle to another try.
            if (shown.SequenceEqual(before))
                MergedImage.Append(image, [added], options);
            Assert.Equal(after, Manifest(image));
            File.Delete(image);
        }
        Assert.True(oldOnes >= 4 && newOnes >= 1, $"{oldOnes} times the old image, {newOnes} times the new one");
    }

    [Fact]
    public void A_failed_append_leaves_the_file_as_it_was()
    {
        string image = Merge.ToFile([Corpus.Layer("base", "lz4hc")], new WriteOptions()).Path;
        byte[] old = File.ReadAllBytes(image);
        string bad = Scratch.NewPath("bad.erofs");
        byte[] cut = File.ReadAllBytes(Corpus.Layer("app", "plain"));
        cut.AsSpan(0x600, 0x1000).Fill(0x5A);
        File.WriteAllBytes(bad, cut);
        Assert.Throws<CorruptImageException>(() => MergedImage.Append(image, [bad]));
        Assert.Equal(old, File.ReadAllBytes(image));
    }

    [Fact]
    public void An_image_that_lamina_did_not_write_is_not_appended_to()
    {
        UnsupportedImageException refusal = Assert.Throws<UnsupportedImageException>(
            () => MergedImage.Append(Corpus.Layer("base", "plain"), [Corpus.Layer("app", "plain")]));
        Assert.Contains("no layer record", refusal.Message);
    }

    private static string[] Manifest(string image) => Judge.Show(image, []);
}
