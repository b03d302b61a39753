namespace Lamina.Boot;

/// <summary>
/// The modules of one kernel: a folder lib/modules/RELEASE with the lists that depmod(8) makes. Gives the files of modules by
/// name, with all they depend on, in the order in which they load.
/// </summary>
internal sealed class KernelModules
{
    private static readonly string[] s_suffixes = [".ko", ".ko.xz", ".ko.zst", ".ko.gz"];

    private readonly ModuleFolder _folder;
    private readonly Dictionary<string, (string Path, string[] Needs)> _files = [];
    private readonly Dictionary<string, string[]> _softNeeds = [];
    private readonly Dictionary<string, List<string>> _aliases = [];
    private readonly HashSet<string> _builtIn = [];

    private KernelModules(ModuleFolder folder) => _folder = folder;

    /// <summary>The kernel's release, as uname(1) gives it: the folder's name.</summary>
    public string Release => _folder.Release;

    /// <summary>Reads the lists of a folder.</summary>
    /// <param name="directory">lib/modules/RELEASE</param>
    /// <exception cref="FileNotFoundException">There is no modules.dep: depmod(8) has not run.</exception>
    public static KernelModules Open(string directory) => Open(ModuleFolder.Of(directory));

    /// <summary>Reads the lists of a folder, wherever it is.</summary>
    /// <exception cref="FileNotFoundException">There is no modules.dep: depmod(8) has not run.</exception>
    public static KernelModules Open(ModuleFolder folder)
    {
        KernelModules modules = new(folder);
        const string dependencies = "modules.dep";
        using (ByteSource? list = folder.Open(dependencies))
        {
            if (list is null)
                throw new FileNotFoundException($"{folder.Name}/{dependencies} is not there; {folder.Advice}");
        }
        foreach (string line in folder.ReadLines(dependencies))
            modules.AddFile(line);
        foreach (string line in folder.ReadLines("modules.builtin"))
            modules._builtIn.Add(NameOf(line));
        foreach (string line in folder.ReadLines("modules.softdep"))
            modules.AddSoftNeeds(line);
        foreach (string line in folder.ReadLines("modules.alias"))
            modules.AddAlias(line);
        return modules;
    }

    /// <summary>Whether the kernel has a module, as a file or built in.</summary>
    public bool Has(string name) => _files.ContainsKey(Normal(name)) || _builtIn.Contains(Normal(name));

    /// <summary>
    /// The files of these modules and of all they need, each once, what is needed first. What is built in has none.
    /// </summary>
    /// <exception cref="FileNotFoundException">The kernel has no such module.</exception>
    public IReadOnlyList<ModuleFile> Resolve(IEnumerable<string> names)
    {
        List<ModuleFile> order = [];
        HashSet<string> seen = [];
        foreach (string name in names)
            Add(Normal(name), isOptional: false, order, seen);
        return order;
    }

    private void Add(string name, bool isOptional, List<ModuleFile> order, HashSet<string> seen)
    {
        if (_builtIn.Contains(name) || !seen.Add(name))
            return;
        if (!_files.TryGetValue(name, out (string Path, string[] Needs) file))
        {
            if (isOptional)
                return;
            throw new FileNotFoundException(
                $"{_folder.Name}: kernel {Release} has no module {name}, neither as a file nor built in{_folder.Hint}");
        }
        foreach (string soft in _softNeeds.GetValueOrDefault(name) ?? [])
        {
            foreach (string candidate in _aliases.GetValueOrDefault(soft) ?? [soft])
                Add(candidate, isOptional: true, order, seen);
        }
        // What a module cannot do without is as necessary as the module itself, even where something else would have liked it
        // before.
        foreach (string need in file.Needs)
            Add(need, isOptional, order, seen);
        order.Add(new ModuleFile(name, _folder, file.Path, isOptional));
    }

    private void AddFile(string line)
    {
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
            return;
        string[] needs = line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // depmod lists the last one to load first, and all of them, not only the nearest.
        _files[NameOf(line[..colon])] = (line[..colon], [.. needs.Reverse().Select(NameOf)]);
    }

    /// <summary><c>softdep NAME pre: A B post: C</c>: what comes after does not concern a boot.</summary>
    private void AddSoftNeeds(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int before = Array.IndexOf(words, "pre:");
        if (words.Length < 2 || words[0] != "softdep" || before < 0)
            return;
        _softNeeds[Normal(words[1])] = [.. words.Skip(before + 1).TakeWhile(word => word != "post:").Select(Normal)];
    }

    /// <summary><c>alias PATTERN NAME</c>; patterns for devices do not concern us.</summary>
    private void AddAlias(string line)
    {
        string[] words = line.Split(' ');
        if (words is not ["alias", string alias, string name] || alias.AsSpan().ContainsAny("*?[:"))
            return;
        if (!_aliases.TryGetValue(Normal(alias), out List<string>? names))
            _aliases.Add(Normal(alias), names = []);
        names.Add(Normal(name));
    }

    private static string NameOf(string path)
    {
        string name = Path.GetFileName(path);
        string? suffix = Array.Find(s_suffixes, suffix => name.EndsWith(suffix, StringComparison.Ordinal));
        return Normal(suffix is null ? name : name[..^suffix.Length]);
    }

    private static string Normal(string name) => name.Replace('-', '_');
}
