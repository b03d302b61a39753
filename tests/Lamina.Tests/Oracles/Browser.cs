using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Lamina.Tests.Oracles;

/// <summary>
/// Chromium without a window, driven by its own driver (W3C WebDriver over HTTP). Begun when a page is opened; without the
/// programs the test is skipped.
/// </summary>
public sealed partial class Browser : IDisposable
{
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromMinutes(2) };
    private Process? _driver;
    private string _session = "";

    /// <summary>Opens a page from disk, and waits until it says that it is drawn.</summary>
    internal void Open(string path, int width = 1280, int height = 1600)
    {
        if (_driver is null)
            Start();
        Send("window/rect", $"{{\"width\":{width},\"height\":{height}}}");
        Drain("browser");
        Drain("performance");
        Send("url", $"{{\"url\":{JsonSerializer.Serialize("file://" + path)}}}");
        Send("execute/async", Script("const done = arguments[0]; const check = () => document.documentElement.dataset.ready ? " +
            "done(true) : setTimeout(check, 20); check();"));
    }

    /// <summary>Runs a script in the page; what it returns.</summary>
    internal JsonElement Run(string script) => Send("execute/sync", Script(script));

    /// <summary>Types keys into an element, or into what has the focus.</summary>
    internal void Type(string selector, string keys)
    {
        JsonElement found = Send("element", $"{{\"using\":\"css selector\",\"value\":{JsonSerializer.Serialize(selector)}}}");
        string id = found.EnumerateObject().First().Value.GetString()!;
        Send($"element/{id}/value", $"{{\"text\":{JsonSerializer.Serialize(keys)}}}");
    }

    /// <summary>Clicks an element where the mouse would, or at a place from its middle.</summary>
    internal void Click(string selector, int x = 0, int y = 0)
    {
        JsonElement found = Send("element", $"{{\"using\":\"css selector\",\"value\":{JsonSerializer.Serialize(selector)}}}");
        Send("actions", "{\"actions\":[{\"type\":\"pointer\",\"id\":\"mouse\",\"actions\":[" +
            "{\"type\":\"pointerMove\",\"duration\":0," +
            $"\"origin\":{found.GetRawText()},\"x\":{x},\"y\":{y}}},{{\"type\":\"pointerDown\",\"button\":0}}," +
            "{\"type\":\"pointerUp\",\"button\":0}]}]}");
    }

    /// <summary>What the page complained of since it was opened.</summary>
    internal string[] Complaints() => [.. Drain("browser").Select(entry => entry.GetProperty("message").GetString()!)];

    /// <summary>What was asked for since the page was opened.</summary>
    internal string[] Requests() => [.. Drain("performance")
        .Select(entry => JsonDocument.Parse(entry.GetProperty("message").GetString()!).RootElement.GetProperty("message"))
        .Where(message => message.GetProperty("method").GetString() == "Network.requestWillBeSent")
        .Select(message => message.GetProperty("params").GetProperty("request").GetProperty("url").GetString()!)];

    private static string Script(string text) => $"{{\"script\":{JsonSerializer.Serialize(text)},\"args\":[]}}";

    private JsonElement[] Drain(string log) => [.. Send("se/log", $"{{\"type\":\"{log}\"}}").EnumerateArray()];

    private void Start()
    {
        string driver = Tools.Require("chromedriver"), browser = Tools.Require("chromium");
        ProcessStartInfo start = new(driver, ["--port=0"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        _driver = Process.Start(start)!;
        _driver.ErrorDataReceived += (_, _) => { };
        _driver.BeginErrorReadLine();
        string? line;
        Match port;
        do
        {
            line = _driver.StandardOutput.ReadLine();
            Assert.True(line is not null, "chromedriver ended without a word of its port");
            port = Port().Match(line);
        }
        while (!port.Success);
        _client.BaseAddress = new Uri($"http://127.0.0.1:{port.Groups[1].Value}/");
        string folder = Scratch.NewFolder("browser");
        string[] arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", $"--user-data-dir={folder}"];
        JsonElement made = Post("session", "{\"capabilities\":{\"alwaysMatch\":{\"browserName\":\"chrome\"," +
            "\"goog:loggingPrefs\":{\"browser\":\"ALL\",\"performance\":\"ALL\"},\"goog:chromeOptions\":{" +
            $"\"binary\":{JsonSerializer.Serialize(browser)},\"args\":{JsonSerializer.Serialize(arguments)}}}}}}}}}");
        _session = $"session/{made.GetProperty("sessionId").GetString()}";
    }

    private JsonElement Send(string command, string body) => Post($"{_session}/{command}", body);

    private JsonElement Post(string path, string body)
    {
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = content };
        using HttpResponseMessage response = _client.Send(request);
        using StreamReader reader = new(response.Content.ReadAsStream());
        JsonElement value = JsonDocument.Parse(reader.ReadToEnd()).RootElement.GetProperty("value").Clone();
        Assert.True(response.IsSuccessStatusCode, $"{path} {body}: {value}");
        return value;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_session.Length > 0)
        {
            using HttpRequestMessage request = new(HttpMethod.Delete, _session);
            _client.Send(request).Dispose();
        }
        if (_driver is not null)
        {
            _driver.Kill(entireProcessTree: true);
            _driver.WaitForExit();
            _driver.Dispose();
        }
        _client.Dispose();
    }

    [GeneratedRegex(@"started successfully on port (\d+)")]
    private static partial Regex Port();
}
