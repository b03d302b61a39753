using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Lamina.Cli;
using Lamina.Reporting;
using Lamina.Tests.Cli;
using Lamina.Tests.Generators;
using Lamina.Tests.Oracles;
using Lamina.Tree;

namespace Lamina.Tests.Reporting;

/// <summary>The page of a report, as a file and in a browser.</summary>
public class ReportPageTests(Browser browser) : IClassFixture<Browser>
{
    private const string Breaking = "</script><img src=x onerror=hacked=1>", Markup = "<b id=bold>&amp;\"'`${hacked=1}";

    /// <summary>Layers with names that would do something as markup, as a script or on a terminal.</summary>
    private static string[] HostileLayers()
    {
        string lower = Scratch.NewPath("<i>lower<i>.tar"), upper = Scratch.NewPath("upper.tar");
        File.WriteAllBytes(lower, new TarBuilder().Directory("d")
            .Add(new TarFields { Name = [.. "d/"u8, .. TarBuilder.Bytes(Markup)] }, new byte[5000])
            .Add(new TarFields { Name = [.. "d/"u8, 0xFF, (byte)'\n', 0x1B, .. TarBuilder.Bytes("\u202Eback")] }, new byte[4000])
            .Add(new TarFields { Name = TarBuilder.Bytes("gone<img src=y onerror=hacked=1>") }, new byte[300]).End().ToArray());
        File.WriteAllBytes(upper, new TarBuilder().Directory("e<img src=z onerror=hacked=1>")
            .Add(new TarFields { Name = TarBuilder.Bytes("e<img src=z onerror=hacked=1>/f") }, new byte[2000])
            .File(".wh.gone<img src=y onerror=hacked=1>").End().ToArray());
        return [lower, upper];
    }

    private static string Page(params string[] layers)
    {
        string page = Scratch.NewPath("report.html");
        CliRun.Of(["report", .. layers, "-o", page]).MustSucceed();
        return page;
    }

    /// <summary>What the page has instead of names, decompressed by another program's code.</summary>
    private static byte[] DataOf(string html)
    {
        byte[] packed = Convert.FromBase64String(Regex.Match(html, "id=\"data\">([A-Za-z0-9+/=]*)</script>").Groups[1].Value);
        using MemoryStream all = new();
        for (int at = 0; at < packed.Length;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(packed.AsSpan(at));
            using DeflateStream stream = new(new MemoryStream(packed, at + 4, length), CompressionMode.Decompress);
            stream.CopyTo(all);
            at += 4 + length;
        }
        return all.ToArray();
    }

    [Fact]
    public void Names_of_layers_and_files_are_data_and_never_markup()
    {
        string[] layers = HostileLayers();
        string html = File.ReadAllText(Page(layers));
        Assert.DoesNotContain("hacked", html);
        Assert.DoesNotContain("lower<i>", html);
        Assert.Equal(2, Regex.Count(html, "</script>"));
        string data = Encoding.UTF8.GetString(DataOf(html));
        Assert.Contains("\\xff\\x0a\\x1b\\xe2\\x80\\xaeback", data);
        Assert.Contains(Markup[3..], data);
    }

    [Fact]
    public void The_policy_allows_the_pages_own_script_and_style_and_nothing_else()
    {
        string html = File.ReadAllText(Page(LayerReportTests.Layers()));
        string policy = Regex.Match(html, "Content-Security-Policy\" content=\"([^\"]*)\"").Groups[1].Value;
        string script = Regex.Match(html, "<script>(.*)</script>", RegexOptions.Singleline).Groups[1].Value;
        string style = Regex.Match(html, "<style>(.*)</style>", RegexOptions.Singleline).Groups[1].Value;
        Assert.Equal($"default-src 'none'; style-src '{Hash(style)}'; script-src '{Hash(script)}'; img-src data:; " +
            "base-uri 'none'; form-action 'none'", policy);
        Assert.DoesNotContain("http", html.Replace("http-equiv", ""));
        Assert.DoesNotContain("innerHTML", script);

        static string Hash(string text) =>
            $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";
    }

    [Fact]
    public void The_same_layers_give_the_same_page()
    {
        string[] layers = LayerReportTests.Layers();
        Assert.Equal(File.ReadAllBytes(Page(layers)), File.ReadAllBytes(Page(layers)));
    }

    [Fact]
    public void What_would_make_a_page_of_a_megabyte_is_folded_and_that_is_said()
    {
        Random dice = new(1);
        byte[] name = new byte[20];
        ReportFile root = new(default, Folder(), null, 0);
        root.Children = [.. Enumerable.Range(0, 100).Select(i =>
            new ReportFile(Encoding.ASCII.GetBytes($"{i:d3}"), Folder(), root, 0))];
        List<ReportFile> files = [];
        foreach (ReportFile folder in root.Children)
        {
            folder.Children = [.. Enumerable.Range(0, 1000).Select(_ =>
            {
                dice.NextBytes(name);
                Node node = new() { Type = NodeType.RegularFile, Permissions = 0, Payload = new BytesContent(default) };
                return new ReportFile(Encoding.ASCII.GetBytes(Convert.ToHexString(name)), node, folder, 0)
                {
                    Size = dice.Next(1 << dice.Next(8, 24)),
                };
            })];
            files.AddRange(folder.Children);
        }
        byte[] data = PageData.Encode(new LayerReport
        {
            Layers = [new ReportLayer(new Layer
            {
                Name = "l",
                Root = root.Node,
                Rules = WhiteoutRules.Overlay,
                Originals = [],
                BlockSize = 1,
            })],
            Root = root,
            Waste = [],
            Marks = [],
            Privileged = [],
            Modules = [],
            Files = [.. files.OrderByDescending(file => file.Size)],
            Directories = 101,
            Names = 100_100,
        }, "title", "1.0.0");
        Assert.InRange(data.Length, PageData.MaxLength / 2, PageData.MaxLength);
        string facts = Encoding.UTF8.GetString(DataOf($"id=\"data\">{Convert.ToBase64String(data)}</script>").AsSpan(4, 200));
        Assert.InRange(int.Parse(Regex.Match(facts, "\"folded\":(\\d+)").Groups[1].Value), 10_000, 90_000);

        static Node Folder() => new() { Type = NodeType.Directory, Permissions = 0 };
    }

    [Fact]
    public void The_page_is_drawn_without_complaints_and_asks_for_nothing()
    {
        string page = Page(LayerReportTests.Layers());
        browser.Open(page);
        Assert.Equal("22 KiB in 3 layers. 6.0 KiB hidden. A rebuild saves 14 KiB.", Text("#headline"));
        Assert.Equal(3, Count(".layer"));
        Assert.True(Count("#folder tbody tr") >= 2);
        // Something was painted: not all pixels are the same.
        Assert.True(browser.Run("const c = document.getElementById('map'); " +
            "const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; " +
            "return p.some((value, i) => i % 4 === 0 && value !== p[0]);").GetBoolean());
        Assert.Empty(browser.Complaints());
        Assert.All(browser.Requests(), url => Assert.True(url == $"file://{page}" || url.StartsWith("data:"), url));
    }

    [Fact]
    public void A_click_on_a_layer_shows_its_files_alone()
    {
        browser.Open(Page(LayerReportTests.Layers()));
        string[] all = Paths();
        Assert.Equal(["/a/again", "/a/kept", "/a/replaced", "/b/copy", "/b/su", "/opaque/new"], all.Order());
        browser.Click("[data-layer='1']");
        Assert.Equal(["/a/replaced", "/b/copy", "/b/su", "/opaque/new"], Paths().Order());
        Assert.Equal("4 of 6", Text("#count"));
        Assert.Equal("true", browser.Run("return document.querySelector(\"[data-layer='1']\").ariaPressed").GetString());
        browser.Click("[data-layer='1']");
        Assert.Equal(all, Paths());
    }

    [Fact]
    public void A_search_finds_and_lists_are_views_of_their_own()
    {
        browser.Open(Page(LayerReportTests.Layers()));
        browser.Type("#search", "REPLA");
        Assert.Equal(["/a/replaced"], Paths());
        browser.Click("#tab-waste");
        Assert.Equal(["/a/replaced"], Paths());
        browser.Run("const s = document.getElementById('search'); s.value = ''; s.dispatchEvent(new Event('input'));");
        Assert.Equal(["/a/replaced", "/gone", "/opaque"], Paths());
        browser.Click("#tab-copies");
        Assert.Single(Paths());
        browser.Click("#tab-marks");
        Assert.Equal(["/gone", "/opaque", "/never"], Paths());
        browser.Click("#tab-privileged");
        Assert.Equal(["/b/su"], Paths());
        Assert.Contains("4755", Text("#rows"));
    }

    [Fact]
    public void The_map_opens_folders_by_mouse_and_by_keys()
    {
        browser.Open(Page(LayerReportTests.Layers()));
        browser.Click("#map");
        Assert.NotEqual("/", Text("#folder-title"));
        browser.Click("#crumbs button");
        Assert.Equal("/", Text("#folder-title"));
        const string right = "\uE014", enter = "\uE007", back = "\uE003";
        browser.Type("#map", right + enter);
        string opened = Text("#folder-title");
        Assert.Contains(opened, (string[])["/a", "/b"]);
        Assert.Contains($"{opened}/", Text("#live"));
        browser.Type("#map", back);
        Assert.Equal("/", Text("#folder-title"));
        browser.Click("#folder tbody button");
        Assert.NotEqual("/", Text("#folder-title"));
        Assert.Empty(browser.Complaints());
    }

    [Fact]
    public void Hostile_names_stay_text_wherever_they_are_shown()
    {
        browser.Open(Page(HostileLayers()));
        Assert.Contains($"/d/{Markup}", Paths());
        Assert.Contains("/d/\\xff\\x0a\\x1b\\xe2\\x80\\xaeback", Paths());
        foreach (string tab in (string[])["waste", "marks"])
        {
            browser.Click($"#tab-{tab}");
            Assert.Contains("/gone<img src=y onerror=hacked=1>", Paths());
        }
        foreach (int at in (int[])[0, 1])
        {
            browser.Run($"document.querySelectorAll('#folder tbody button')[{at}]?.click(); " +
                "document.querySelector('#crumbs button').click();");
        }
        browser.Click("#map");
        Assert.False(browser.Run("return 'hacked' in window || document.querySelectorAll(" +
            "'main img, main b#bold, main i:not([class]):not([style])').length > 0").GetBoolean());
        Assert.Empty(browser.Complaints());
    }

    [Fact]
    public void Light_and_dark_differ_and_can_be_chosen()
    {
        browser.Open(Page(LayerReportTests.Layers()));
        string Ground() => browser.Run("return getComputedStyle(document.body).backgroundColor").GetString()!;
        string before = Ground();
        browser.Click("#theme");
        Assert.NotEqual(before, Ground());
        browser.Click("#theme");
        Assert.Equal(before, Ground());
    }

    [Fact]
    public void Narrow_windows_do_not_scroll_sideways()
    {
        browser.Open(Page(HostileLayers()), 500);
        Assert.True(browser.Run("return document.documentElement.scrollWidth <= innerWidth").GetBoolean());
        browser.Open(Page(HostileLayers()));
    }

    private string Text(string selector) =>
        browser.Run($"return document.querySelector('{selector}').textContent").GetString()!;

    private int Count(string selector) => browser.Run($"return document.querySelectorAll('{selector}').length").GetInt32();

    private string[] Paths() => [.. browser
        .Run("return [...document.querySelectorAll('#rows .path')].map(one => one.textContent)")
        .EnumerateArray().Select(path => path.GetString()!)];
}
