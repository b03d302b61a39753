using System.Text;
using Lamina.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Cli;

public class NameTextTests
{
    [Theory]
    [InlineData("plain text, ümläute ┌─┐ 漢字\n\ttab", "plain text, ümläute ┌─┐ 漢字\n\ttab")]
    [InlineData("a\u001b[2Jb", "a\\x1b[2Jb")]
    [InlineData("\u001b]0;title\u0007", "\\x1b]0;title\\x07")]
    [InlineData("x\u202egnp.exe", "x\\xe2\\x80\\xaegnp.exe")]
    [InlineData("one\rtwo", "one\\x0dtwo")]
    [InlineData("\u009b31m", "\\xc2\\x9b31m")]
    [InlineData("\u001b[31m", "\\x1b[31m")]
    public void Nothing_that_is_printed_moves_a_cursor_or_turns_text(string text, string expected)
    {
        using StringWriter plain = new(), coloured = new();
        new ShownWriter(plain, () => false).Write(text);
        Assert.Equal(expected, plain.ToString());
        new ShownWriter(coloured, () => true).Write(text);
        Assert.Equal(text == "\u001b[31m" ? text : expected, coloured.ToString());     // a colour alone
    }

    [Fact]
    public void Hostile_names_reach_no_output_of_any_verb()
    {
        byte[] name = "e\u001b[2J\u202e\rvil"u8.ToArray();
        string folder = Scratch.NewFolder("hostile"), tar = Path.Combine(folder, "a\u001b[2J\u202e.tar");
        File.WriteAllBytes(tar, new TarBuilder().Add(new TarFields { Name = name }, "x"u8).Directory("d").End().ToArray());
        string other = Path.Combine(folder, "other.tar"), image = Path.Combine(folder, "i\u001b[2J.erofs");
        File.WriteAllBytes(other, new TarBuilder().Directory("d").End().ToArray());
        string shown = ShownText.Of(name);
        foreach (string[] command in (string[][])
            [["merge", "--explain", tar, other, tar, "-o", image], ["merge", tar, "-o", image], ["ls", "-lR", tar], ["tree", tar],
                ["stat", tar, shown], ["stat", tar, "/no\u202e"], ["diff", tar, other], ["check", image], ["dump", image],
                ["inspect", image], ["split", image, Path.Combine(folder, "parts")], ["split", tar, folder],
                ["cat", tar, "/\u001b[2J"], ["check", image, "--against", other], ["verity", "format", image],
                ["verity", "inspect", image], ["mount", image, tar], ["xx\u001b[2J"], ["ls", "--\u202e", tar]])
        {
            CliRun run = CliRun.Of(command);
            string all = run.Output + run.Error;
            Assert.True(all.AsSpan().IndexOfAny('\u001b', '\u202e', '\r') < 0, $"{command[0]}: {all}");
        }
    }

    [Theory]
    [InlineData("plain name.txt", "plain name.txt")]
    [InlineData("Grüße 日本 🎉", "Grüße 日本 🎉")]
    [InlineData("back\\slash", @"back\\slash")]
    [InlineData("new\nline\ttab\u007f", @"new\x0aline\x09tab\x7f")]
    [InlineData("\u202egnp.exe", @"\xe2\x80\xaegnp.exe")]
    [InlineData(@"\x41", @"\\x41")]
    public void Text_is_shown_as_it_is_unless_it_would_not_show(string name, string shown)
    {
        Assert.Equal(shown, ShownText.Of(Encoding.UTF8.GetBytes(name)));
        Assert.Equal(name, Encoding.UTF8.GetString(NameText.Parse(shown)));
    }

    [Fact]
    public void Any_bytes_survive_the_way_to_text_and_back()
    {
        Random random = new(20260101);
        for (int i = 0; i < 5000; i++)
        {
            byte[] name = new byte[random.Next(1, 24)];
            random.NextBytes(name);
            if (i % 2 == 0)
                Array.ConvertAll(name, value => (byte)(value % 3 == 0 ? '\\' : 'x')).CopyTo(name, 0);
            string shown = ShownText.Of(name);
            Assert.Equal(name, NameText.Parse(shown));
            Assert.DoesNotContain(shown, char.IsControl);
        }
    }

    [Fact]
    public void A_file_whose_name_is_no_text_is_found_by_what_is_shown()
    {
        CliRun listed = CliRun.Of("ls", Oracles.Corpus.PathOf("plain.erofs"), "-R").MustSucceed();
        string escaped = listed.Output.Split('\n').First(line => line.Contains("\\x"));
        CliRun.Of("stat", Oracles.Corpus.PathOf("plain.erofs"), escaped).MustSucceed();
    }
}
