using System.Text;
using Lamina.Cli;

namespace Lamina.Tests.Cli;

public class NameTextTests
{
    [Theory]
    [InlineData("plain name.txt", "plain name.txt")]
    [InlineData("Grüße 日本 🎉", "Grüße 日本 🎉")]
    [InlineData("back\\slash", @"back\\slash")]
    [InlineData("new\nline\ttab\u007f", @"new\x0aline\x09tab\x7f")]
    [InlineData("\u202egnp.exe", @"\xe2\x80\xaegnp.exe")]
    [InlineData(@"\x41", @"\\x41")]
    public void Text_is_shown_as_it_is_unless_it_would_not_show(string name, string shown)
    {
        Assert.Equal(shown, NameText.Of(Encoding.UTF8.GetBytes(name)));
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
            string shown = NameText.Of(name);
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
