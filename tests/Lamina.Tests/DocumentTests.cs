using System.Text;
using System.Text.RegularExpressions;
using Lamina.Images;
using Lamina.Layers;
using Lamina.Merging;
using Lamina.Mounting;
using Lamina.Tests.Oracles;
using Lamina.Tree;
using Lamina.Writing;

namespace Lamina.Tests;

/// <summary>What the documents say of the code, held against the code.</summary>
public partial class DocumentTests
{
    private static readonly string s_root = FindRoot();

    // This method is the library guide's example, word for word.
    private static void MergeAndMount(string[] layers, string image, string folder, TextWriter log)
    {
        MergeAccount account = new();
        WriteResult merged = MergedImage.Create(layers, image, merging: new MergeOptions { Account = account });
        log.WriteLine($"{merged.InodeCount} files, {merged.MetadataLength} bytes of metadata, Linux {merged.Kernel} and later");
        foreach (MergeEvent what in account.Events.Where(what => what.Outcome != MergeOutcome.Merged))
            log.WriteLine($"{layers[what.Winner]} {what.Outcome}: {Encoding.UTF8.GetString(what.Path.Span)}");
        Mounter.Mount(new MountRequest(image, merged.Devices, folder));
    }

    // And so is this.
    private static void PrintConfiguration(string path, TextWriter output)
    {
        using Layer layer = LayerOpener.Open(path);                     // an image of any tool, or a tar
        foreach (Entry entry in layer.Root.Get("/etc", followLinks: true).EnumerateEntries())
            output.WriteLine($"{entry}: {entry.Node.Type}, {entry.Node.Size} bytes");
        using StreamReader release = new(layer.Root.Get("/etc/os-release", followLinks: true).OpenRead());
        output.WriteLine(release.ReadLine());
    }

    [Theory]
    [InlineData(0, "MergeAndMount")]
    [InlineData(1, "PrintConfiguration")]
    public void The_examples_of_the_library_guide_are_the_methods_that_are_tested_here(int number, string name)
    {
        string here = ReadFile("tests/Lamina.Tests/DocumentTests.cs");
        Match[] blocks = [.. CodeBlock().Matches(ReadFile("docs/library.md")).Where(block => block.Groups[1].Value == "csharp")];
        Assert.Equal(2, blocks.Length);
        string shown = blocks[number].Groups[2].Value;
        string[] usings = [.. UsingLine().Matches(shown).Select(match => match.Value.Trim())];
        Assert.All(usings, line => Assert.Contains(line, here));
        string method = Normalise(UsingLine().Replace(shown, ""));
        Assert.StartsWith($"static void {name}(", method);
        Assert.Contains(method, Normalise(here));
    }

    [Fact]
    public void The_reading_example_of_the_library_guide_does_what_it_says()
    {
        using StringWriter output = new();
        PrintConfiguration(Path.Combine(Cli.CliRun.NewFolderWithLayers(), "base.erofs"), output);
        string[] lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("os-release: RegularFile, 33 bytes", lines.Select(line => line.TrimEnd()));
        Assert.StartsWith("NAME=", lines[^1]);
    }

    [Fact]
    public void The_example_of_the_library_guide_does_what_it_says()
    {
        KernelMount.SkipUnlessPossible();
        string[] layers = [Corpus.Layer("base", "lz4hc"), Corpus.Layer("app", "zstd-frag"), Corpus.PathOf("config.tar")];
        string folder = Scratch.NewFolder("readme");
        using StringWriter log = new();
        MergeAndMount(layers, Scratch.NewPath("root.erofs"), folder, log);
        try
        {
            // The tar has no entry for its root, the images have.
            Assert.Equal(Corpus.MergedTruth()[1..], KernelManifest.Of(folder, noLinkCounts: true)[1..]);
        }
        finally
        {
            Mounter.Unmount(folder);
        }
        string[] lines = log.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.EndsWith("and later", lines[0]);
        Assert.Contains(lines, line => line.Contains("config.tar Removed: /", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_relative_link_leads_somewhere()
    {
        List<string> faults = [];
        int count = 0;
        foreach (string document in Documents())
        {
            foreach (Match link in Link().Matches(WithoutCode(ReadFile(document))))
            {
                string target = link.Groups[1].Value;
                if (target.Contains("://", StringComparison.Ordinal))
                    continue;
                count++;
                string[] parts = target.Split('#');
                string folder = Path.GetDirectoryName(Path.Combine(s_root, document))!;
                string path = parts[0] == "" ? Path.Combine(s_root, document) : Path.Combine(folder, parts[0]);
                if (!Path.Exists(path))
                    faults.Add($"{document}: {target}: there is no such file");
                else if (parts.Length > 1 && !Headings(File.ReadAllText(path)).Contains(parts[1]))
                    faults.Add($"{document}: {target}: there is no such heading");
            }
        }
        Assert.True(count > 5, "the links were not found");
        AssertNone(faults);
    }

    [Fact]
    public void The_table_of_folders_is_the_one_that_is_enforced()
    {
        Dictionary<string, string> enforced = TableEntry().Matches(ReadFile("tests/Lamina.Tests/TidyTests.cs"))
            .Where(entry => Directory.Exists(Path.Combine(s_root, "src/Lamina", entry.Groups[1].Value)))
            .ToDictionary(entry => entry.Groups[1].Value, entry => Sorted(entry.Groups[2].Value.Replace("\"", "")));
        Dictionary<string, string> described = Rows(Section("ARCHITECTURE.md", "## Folders of src/Lamina"))
            .ToDictionary(cells => cells[0], cells => Sorted(cells[2].Replace("-", "")));
        Assert.True(enforced.Count > 5, "the table was not found");
        Assert.Equal(enforced.OrderBy(pair => pair.Key), described.OrderBy(pair => pair.Key));

        static string Sorted(string list) =>
            string.Join(", ", list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Order());
    }

    [Fact]
    public void Every_package_is_said_to_be_there_for_a_reason()
    {
        MatchCollection packages = Package().Matches(ReadFile("Directory.Packages.props"));
        IEnumerable<string> explained = Rows(Section("ARCHITECTURE.md", "## Packages")).Select(cells => cells[0]);
        Assert.Equal(packages.Select(package => package.Groups[1].Value).Order(), explained.Order());
    }

    [Theory]
    [InlineData("ARCHITECTURE.md")]
    [InlineData("CONTRIBUTING.md")]
    [InlineData("docs/library.md")]
    public void Types_and_members_that_a_document_names_exist(string document)
    {
        string sources = string.Concat(TidyTests.FilesUnder("src", "tests")
            .Where(path => path.EndsWith(".cs", StringComparison.Ordinal)).Select(ReadFile));
        string[] names = [.. TypeName().Matches(ReadFile(document)).Select(match => match.Groups[1].Value).Distinct()];
        Assert.NotEmpty(names);
        IEnumerable<string> unknown = names.Where(name => !Regex.IsMatch(sources, $@"\b{name}\b"));
        AssertNone([.. unknown.Select(name => $"{name} is not in the code")]);
    }

    [Theory]
    [InlineData("SuperBlock", "SuperBlock")]
    [InlineData("DeviceSlot", "DeviceSlot")]
    [InlineData("InodeRecord", "InodeRecord")]
    [InlineData("DirectoryRecord", "DirectoryRecord")]
    [InlineData("HeadRecord", "LayerRecord")]
    public void Offsets_in_the_description_of_the_format_are_those_of_the_code(string type, string file)
    {
        string code = ReadFile($"src/Lamina/Format/{file}.cs");
        string heading = HeadingOf("docs/format.md", $"`{type}`");
        string[] offsets = [.. OffsetConstant().Matches(code).Select(match => match.Groups[1].Value).Distinct()];
        Assert.NotEmpty(offsets);
        Assert.Empty(offsets.Except(Rows(Section("docs/format.md", heading)).Select(cells => cells[0])));
    }

    /// <summary>Asks the program itself, so that a word in some comment does not count as an option.</summary>
    [Fact]
    public void Verbs_and_options_that_the_guides_name_are_known_to_the_program()
    {
        Assert.SkipUnless(Help().Contains("merge", StringComparison.Ordinal), "the program has no verbs yet");
        List<string> faults = [];
        string[] lines = [.. new[] { "README.md", "docs/merging.md", "docs/containers.md", "docs/initrds.md", "docs/report.md" }
            .Where(path => File.Exists(Path.Combine(s_root, path))).SelectMany(path => ReadFile(path).Split('\n'))];
        string[] verbs = [.. lines.SelectMany(line => CommandLine().Matches(line)).Select(match => match.Groups[1].Value)
            .Distinct()];
        Dictionary<string, string> helps = verbs.ToDictionary(verb => verb, verb => Help(verb));
        string all = Help();
        faults.AddRange(verbs.Where(verb => !Regex.IsMatch(all, $@"^ +{verb}\b", RegexOptions.Multiline)));
        foreach (string whole in lines)
        {
            // tar and dracut have options, too.
            string line = OtherProgram().Replace(whole[Math.Max(whole.IndexOf("| lamina ", StringComparison.Ordinal), 0)..], "");
            // An option on a command line belongs to its verb, one in a sentence to any.
            IEnumerable<string> places = line.StartsWith("lamina ", StringComparison.Ordinal)
                ? [HelpFor(line)]
                : helps.Values.Append(all);
            faults.AddRange(OptionName().Matches(line).Select(match => match.Value)
                .Where(option => !places.Any(help => Regex.IsMatch(help, $@"(?<![\w-]){option}(?![\w-])")))
                .Select(option => $"{option} in: {line}"));
        }
        Assert.True(verbs.Length > 8, "the verbs were not found");
        AssertNone(faults);
    }

    /// <summary>Somebody looks for the words that stand on the screen.</summary>
    [Fact]
    public void Messages_that_people_look_up_are_in_the_code()
    {
        string sources = string.Concat(TidyTests.FilesUnder("src").Where(path => path.EndsWith(".cs", StringComparison.Ordinal))
            .Select(ReadFile));
        string[] messages = [.. Rows(ReadFile("docs/troubleshooting.md").Split('\n')).Select(cells => Quoted().Match(cells[0]))
            .Where(match => match.Success).Select(match => match.Groups[1].Value)];
        Assert.True(messages.Length > 8, "the table was not found");
        AssertNone([.. messages.Where(message => !sources.Contains(message, StringComparison.Ordinal))]);
    }

    /// <summary>The help of the verb of a command line, which may be one below another.</summary>
    private static string HelpFor(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string help = Help(words[1]);
        return help.StartsWith($"Usage: lamina {words[1]} VERB", StringComparison.Ordinal) ? Help(words[1], words[2]) : help;
    }

    private static string Help(params string[] verb) =>
        Tools.Run("dotnet", [Path.Combine(AppContext.BaseDirectory, "Lamina.Cli.dll"), .. verb, "--help"]).MustSucceed().Output;

    private static void AssertNone(List<string> faults) => Assert.True(faults.Count == 0, string.Join("\n", faults));

    private static IEnumerable<string> Documents() =>
        TidyTests.FilesUnder("").Where(path => path.EndsWith(".md", StringComparison.Ordinal));

    /// <summary>A heading as a link names it: lower case, blanks as dashes, without other signs.</summary>
    private static IEnumerable<string> Headings(string document) => document.Split('\n')
        .Where(line => line.StartsWith('#'))
        .Select(line => NotInAnchor().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    private static string HeadingOf(string document, string part) =>
        ReadFile(document).Split('\n').Single(line => line.StartsWith('#') && line.Contains(part, StringComparison.Ordinal));

    /// <summary>The lines below a heading, up to the next one.</summary>
    private static string[] Section(string document, string heading)
    {
        string[] lines = ReadFile(document).Split('\n');
        int start = Array.IndexOf(lines, heading);
        Assert.True(start >= 0, $"{document} has no heading {heading}");
        return [.. lines.Skip(start + 1).TakeWhile(line => !line.StartsWith('#'))];
    }

    /// <summary>The cells of the tables' rows, without what is above the line of dashes.</summary>
    private static IEnumerable<string[]> Rows(string[] lines) => lines
        .Where((line, i) => line.StartsWith('|') && !line.StartsWith("| ---", StringComparison.Ordinal) &&
            (i + 1 == lines.Length || !lines[i + 1].StartsWith("| ---", StringComparison.Ordinal)))
        .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries));

    private static string Normalise(string code) => Blanks().Replace(code, " ").Trim();

    private static string WithoutCode(string document) => CodeBlock().Replace(document, "");

    private static string ReadFile(string path) => File.ReadAllText(Path.Combine(s_root, path));

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Lamina.slnx")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException("these tests need the sources they were built from");
    }

    [GeneratedRegex(@"^```(\w*)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"^using [\w.]+;\n", RegexOptions.Multiline)]
    private static partial Regex UsingLine();

    [GeneratedRegex(@"\[[^\]]*\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^ +\[""(\w+)""\] = \[([^\]]*)\],", RegexOptions.Multiline)]
    private static partial Regex TableEntry();

    [GeneratedRegex(@"PackageVersion Include=""([^""]+)""")]
    private static partial Regex Package();

    /// <summary>A word in back quotes that looks like a type or member: capital first, lower case within.</summary>
    [GeneratedRegex(@"`([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)`")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"\b\w+At = (\d+)")]
    private static partial Regex OffsetConstant();

    [GeneratedRegex(@"(?<=`|\./|^)lamina ([a-z]+)", RegexOptions.Multiline)]
    private static partial Regex CommandLine();

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z-]+")]
    private static partial Regex OptionName();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex("`(?!lamina )[a-z]+ [^`]*`")]
    private static partial Regex OtherProgram();

    [GeneratedRegex("^`([^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
