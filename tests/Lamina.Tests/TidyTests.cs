using System.Text.RegularExpressions;

namespace Lamina.Tests;

/// <summary>The rules of the code that a compiler does not know.</summary>
public partial class TidyTests
{
    private const int LineLimit = 600, ColumnLimit = 130;
    private const string Self = "tests/Lamina.Tests/TidyTests.cs";

    private static readonly string s_root = FindRoot();

    /// <summary>What each folder of src/Lamina may use besides the base library and the types at the root.</summary>
    private static readonly Dictionary<string, string[]> s_mayUse = new()
    {
        [""] = ["Platform"],
        ["Platform"] = [],
        ["Format"] = [],
        ["Compression"] = [],
        ["Tree"] = [],
        ["Archives"] = ["Tree", "Compression", "Platform"],
        ["Mounting"] = ["Platform"],
        ["Reading"] = ["Format", "Compression", "Tree"],
        ["Trust"] = ["Reading", "Format", "Tree", "Platform"],
        ["Checking"] = ["Reading", "Trust", "Format", "Tree"],
        ["Describing"] = ["Reading", "Trust", "Format", "Tree"],
        ["Layers"] = ["Tree", "Reading", "Archives", "Format", "Platform"],
        ["Containers"] = ["Layers", "Archives", "Tree", "Platform"],
        ["Merging"] = ["Tree"],
        ["Reporting"] = ["Tree", "Layers", "Merging", "Exporting", "Platform"],
        ["Building"] = ["Tree", "Compression", "Platform"],
        ["Writing"] = ["Tree", "Format", "Compression", "Building", "Reading", "Trust", "Platform"],
        ["Exporting"] = ["Tree", "Archives", "Platform"],
        ["Images"] = ["Format", "Compression", "Reading", "Checking", "Describing", "Tree", "Layers", "Containers", "Merging",
            "Reporting", "Writing", "Exporting", "Trust", "Platform"],
    };

    /// <summary>A call or word that must not appear, why, where, and a sample that the rule must find.</summary>
    private sealed record Ban(string Pattern, string Sample, string Why, string Where = "src/", string Except = "none");

    private static readonly Ban[] s_bans =
    [
        new(@"\bDateTime(Offset)?\.(Now|UtcNow|Today)\b", "DateTime.UtcNow", "the same input gives the same bytes at any time"),
        new(@"\bGuid\.NewGuid\b", "Guid.NewGuid()", "the same input gives the same bytes"),
        new(@"\bRandom\.Shared\b|\bnew Random\(\)", "new Random()", "the same input gives the same bytes"),
        new(@"\bRandom \w+ = new\(\)", "Random dice = new();", "the same input gives the same bytes"),
        new(@"\bEncoding\.Default\b", "Encoding.Default", "names are bytes; what the default is depends on the machine", ""),
        new(@"\bNotImplementedException\b", "new NotImplementedException()", "what is there works", ""),
        new(@"\bConsole\.", "Console.WriteLine()", "only programs talk", Except: @"^src/Lamina\.(Cli|Init)/"),
        new(@"\bEnvironment\.Exit\b", "Environment.Exit(1)", "only programs end", Except: @"^src/Lamina\.(Cli|Init)/"),
        new(@"(?<![\w.])(File|Directory)\.(Open|Exists|Read|Write|Move|Delete|Enumerate|Get|Create)\w*\(|" +
            @"\bPath\.GetFullPath\b|\bnew FileInfo\b", "File.Exists(path)",
            "the base library collapses DIR/../x as text, and knows no names that are not UTF-8: HostFile does",
            Except: @"^src/Lamina\.Init/|/(HostFile|NamedFile|LeftBehind|OutputPlace|ChangedFile|PortableExtraction|" +
                @"LoopDevice|DeviceMapper|BootPrograms|Demo\w+)\.cs$"),
        new(@"\bThread\.Sleep\b", "Thread.Sleep(1)", "waiting for a while is waiting for the wrong thing"),
        new(@"\bMemoryMappedFile\b", "MemoryMappedFile.Open()", "a mapped file that shrinks is a crash, not an error"),
        new(@"\bSystem\.Formats\.Tar\b", "using System.Formats.Tar;", "it has names as text and loses attributes"),
        new(@"\bcatch(\s*\(\s*Exception\b[^)]*\))?\s*\{\s*\}", "catch (Exception e)\n{\n}", "a failure that nobody hears of", ""),
        new(@"\b(TODO|FIXME|HACK|XXX)\b", "// TODO: later", "what is to be done is an issue", ""),
        new(@"^\s*#(region|pragma warning disable)\b", "#region Private", "small files need none; warnings are mended"),
    ];

    private static IEnumerable<string> SourceFiles => FilesUnder("src", "tests", "bench").Where(path => path.EndsWith(".cs"));

    [Fact]
    public void Each_folder_of_the_library_uses_only_what_the_table_allows()
    {
        List<string> faults = [];
        List<string> files = [.. SourceFiles.Where(path => path.StartsWith("src/Lamina/"))];
        foreach (string path in files)
        {
            string folder = FolderOf(path);
            if (!s_mayUse.TryGetValue(folder, out string[]? allowed))
            {
                faults.Add($"{path}: the folder {folder} is not in the table");
                continue;
            }
            IEnumerable<string> others = Used(Code(path)).Where(used => used != folder && !allowed.Contains(used));
            faults.AddRange(others.Select(used => $"{path}: uses {used}, {(folder == "" ? "the root" : folder)} must not"));
        }
        Assert.True(files.Count > 10, "the sources were not found");
        AssertNone(faults);
    }

    [Theory]
    [InlineData("using Lamina.Layers;", "Layers")]
    [InlineData("using static Lamina.Tree.Names;", "Tree")]
    [InlineData("global::Lamina.Format.Inode x;", "Format")]
    [InlineData("    Reading.Image image = null;", "Reading")]
    [InlineData("string.Format.X(image.Tree.Root, MyTree.Y) // Tree.Z", "")]
    public void A_use_of_another_folder_is_seen_in_each_of_its_forms(string code, string expected)
    {
        Assert.Equal(expected, string.Join(',', Used(WithoutComments(code))));
    }

    [Fact]
    public void The_namespace_follows_the_folder()
    {
        List<string> faults = [];
        int count = 0;
        foreach (string path in SourceFiles.Where(path => path.StartsWith("src/")))
        {
            string expected = Path.GetDirectoryName(path)!["src/".Length..].Replace('/', '.');
            Match found = NamespaceLine().Match(Read(path));
            bool onlyUsings = !found.Success && Code(path).Split('\n').All(line => line == "" || line.StartsWith("global using"));
            if (!onlyUsings && found.Groups[1].Value != expected)
                faults.Add($"{path}: the namespace is {found.Groups[1].Value}, {expected} was expected");
            count++;
        }
        Assert.True(count > 10, "the sources were not found");
        AssertNone(faults);
    }

    /// <summary>The order that dotnet format makes, which takes a minute to say so.</summary>
    [Fact]
    public void Usings_are_sorted()
    {
        List<string> faults = [];
        int count = 0;
        foreach (string path in SourceFiles.Where(path => path.EndsWith(".cs", StringComparison.Ordinal)))
        {
            string[] names = [.. Read(path).Split('\n')
                .TakeWhile(line => !line.StartsWith("namespace ", StringComparison.Ordinal))
                .Where(line => line.StartsWith("using ", StringComparison.Ordinal) && !line.Contains('=')
                    && !line.StartsWith("using static ", StringComparison.Ordinal)).Select(line => line[6..].TrimEnd(';'))];
            string[] sorted = [.. names.OrderBy(name => name.Split('.')[0] == "System" ? 0 : 1)
                .ThenBy(name => name.Replace('.', '\u0001'), StringComparer.OrdinalIgnoreCase)];
            if (!names.SequenceEqual(sorted))
                faults.Add($"{path}: {string.Join(", ", sorted)} was expected");
            count += names.Length;
        }
        Assert.True(count > 100, "the usings were not found");
        AssertNone(faults);
    }

    [Fact]
    public void No_source_file_is_too_long_or_too_wide()
    {
        List<string> faults = [];
        List<string> files = [.. SourceFiles, .. FilesUnder("check", "check-packages", "lamina", "package", ".ci")];
        foreach (string path in files)
        {
            string[] lines = Read(path).Split('\n');
            if (lines.Length - 1 > LineLimit)
                faults.Add($"{path}: {lines.Length - 1} lines, the limit is {LineLimit}");
            IEnumerable<int> wide = Enumerable.Range(0, lines.Length).Where(i => lines[i].Length > ColumnLimit);
            faults.AddRange(wide.Select(i => $"{path}:{i + 1}: {lines[i].Length} columns, the limit is {ColumnLimit}"));
        }
        Assert.Contains("check", files);
        Assert.Contains(Self, files);
        AssertNone(faults);
    }

    [Fact]
    public void Banned_calls_and_words_do_not_appear()
    {
        List<string> faults = [];
        List<string> files = [.. SourceFiles.Where(path => path != Self)];
        foreach (string path in files)
        {
            string text = Read(path);
            foreach (Ban ban in s_bans.Where(ban => path.StartsWith(ban.Where) && !Regex.IsMatch(path, ban.Except)))
            {
                foreach (Match match in Regex.Matches(text, ban.Pattern, RegexOptions.Multiline))
                    faults.Add($"{path}:{text.AsSpan(0, match.Index).Count('\n') + 1}: {match.Value.Trim()}: {ban.Why}");
            }
        }
        Assert.Contains("src/Lamina/ByteSource.cs", files);
        AssertNone(faults);
    }

    [Fact]
    public void Each_ban_finds_its_sample()
    {
        Assert.All(s_bans, ban => Assert.Matches(new Regex(ban.Pattern, RegexOptions.Multiline), ban.Sample));
    }

    [Fact]
    public void Nothing_names_a_place_of_the_machine_it_was_written_on()
    {
        // Where the checkout lies is such a place, and so is the folder it lies in unless every machine has that.
        string[] common = ["/", "/tmp", "/home", "/root", "/usr", "/usr/src", "/opt", "/srv", "/mnt", "/var", "/src"];
        string parent = Path.GetDirectoryName(s_root)!;
        string places = string.Join('|', new[] { s_root, parent }.Except(common).Select(place => Regex.Escape(place)));
        Regex pattern = new($@"(?<![\w.])({places})(?![\w.-])");
        List<string> files = [.. FilesUnder("").Where(IsText)];
        Assert.Matches(pattern, $"see {s_root}/x");
        Assert.Contains("Directory.Build.props", files);
        Assert.Contains("check", files);
        Assert.DoesNotContain(files, path => pattern.IsMatch(Read(path)));
    }

    private static void AssertNone(List<string> faults) => Assert.True(faults.Count == 0, string.Join("\n", faults));

    private static string FolderOf(string path)
    {
        string[] parts = path.Split('/');
        return parts.Length > 3 ? parts[2] : "";
    }

    /// <summary>The folders of the library that code names: by using, in full, or from within Lamina's own namespace.</summary>
    private static IEnumerable<string> Used(string code)
    {
        return s_mayUse.Keys
            .Where(folder => folder != "")
            .Where(folder => Regex.IsMatch(code, $@"\bLamina\.{folder}\b(?!\w)|(?<![\w.]){folder}\.[A-Z]"));
    }

    private static string Code(string path) => WithoutComments(Read(path));

    private static string WithoutComments(string text) => Comment().Replace(text, "");

    private static string Read(string path) => File.ReadAllText(Path.Combine(s_root, path));

    private static bool IsText(string path)
    {
        string[] kinds = ["", ".cs", ".md", ".csproj", ".props", ".targets", ".slnx", ".json", ".yml", ".sh", ".txt"];
        return kinds.Contains(Path.GetExtension(path));
    }

    /// <summary>Files below these, as paths from the root, ordered by name; what is built or foreign is left out.</summary>
    internal static IEnumerable<string> FilesUnder(params string[] places)
    {
        HashSet<string> foreign = [".git", "artifacts", ".cache", "bin", "obj", ".vs", ".idea", "TestResults"];
        Stack<string> open = new(places.Select(place => Path.Combine(s_root, place)).Where(Path.Exists));
        List<string> found = [];
        while (open.TryPop(out string? path))
        {
            if (File.Exists(path) && Path.GetFileName(path) != ".git")
                found.Add(Path.GetRelativePath(s_root, path).Replace('\\', '/'));
            else if (Directory.Exists(path) && !foreign.Contains(Path.GetFileName(path)))
                Array.ForEach(Directory.GetFileSystemEntries(path), open.Push);
        }
        return found.Order(StringComparer.Ordinal);
    }

    internal static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Lamina.slnx")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException("these tests need the sources they were built from");
    }

    [GeneratedRegex(@"^namespace ([\w.]+);$", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    /// <summary>Good enough for what follows: a comment, but not the two slashes of an address.</summary>
    [GeneratedRegex(@"(?<!:)//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();
}
