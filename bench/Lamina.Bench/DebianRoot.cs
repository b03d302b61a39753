using System.Globalization;
using System.Text;

namespace Lamina.Bench;

/// <summary>A real Debian system in a folder, made once by debootstrap, and the same in several layers.</summary>
/// <param name="Folder">Its root.</param>
internal sealed record DebianRoot(string Folder)
{
    private const string Suite = "bookworm", PackageLists = "var/lib/dpkg/info";

    /// <summary>With these it has 300 MB, and can be booted.</summary>
    private const string SmallPackages =
        "python3,perl,git,vim-tiny,iproute2,systemd-sysv,ca-certificates,openssh-client,gdb-minimal";

    /// <summary>With these it has 600 MB.</summary>
    private const string LargePackages = "python3,perl,gcc,git,locales";

    /// <summary>What apt leaves behind, and nobody boots with.</summary>
    private static readonly string[] s_leftovers = ["var/cache/apt/archives", "var/lib/apt/lists"];

    /// <summary>Where bookworm has links for what packages still name so.</summary>
    private static readonly string[] s_moved = ["bin/", "sbin/", "lib/", "lib64/"];

    /// <summary>A system to boot; made if it is not there, which takes root and a network.</summary>
    public static DebianRoot MakeSmall(string scratch) => Make(Path.Combine(scratch, "debian-small"), SmallPackages);

    /// <summary>A system with much in it.</summary>
    public static DebianRoot MakeLarge(string scratch) => Make(Path.Combine(scratch, "debian-large"), LargePackages);

    private static DebianRoot Make(string folder, string packages)
    {
        string partial = $"{folder}.partial";
        if (Directory.Exists(folder))
            return new DebianRoot(folder);
        Console.Error.WriteLine($"making a Debian root: {folder}");
        if (Directory.Exists(partial))
            Directory.Delete(partial, true);
        Runner.Start("debootstrap", ["--variant=minbase", $"--include={packages}", Suite, partial, Mirror()]);
        foreach (string leftover in s_leftovers.Select(name => Path.Combine(partial, name)))
        {
            Directory.Delete(leftover, true);
            Directory.CreateDirectory(leftover);
        }
        Directory.Move(partial, folder);
        return new DebianRoot(folder);
    }

    /// <summary>The same files in so many folders, package by package, in the order of names, all of about one size.</summary>
    public string[] Split(int count)
    {
        if (count == 1)
            return [Folder];
        string[] layers = [.. Enumerable.Range(0, count).Select(i => $"{Folder}-{i + 1}-of-{count}")];
        if (layers.All(Directory.Exists))
            return layers;
        Dictionary<string, string> owners = Owners();
        List<(string Path, long Size)> files = Files();
        (string Package, long Size)[] packages = [.. files
            .GroupBy(file => owners.GetValueOrDefault(file.Path, "~"))
            .Select(group => (group.Key, group.Sum(file => file.Size)))
            .OrderBy(group => group.Key, StringComparer.Ordinal)];
        long total = packages.Sum(package => package.Size), before = 0;
        Dictionary<string, int> layerOf = [];
        foreach ((string package, long size) in packages)
        {
            layerOf.Add(package, (int)Math.Min(count - 1, before * count / total));
            before += size;
        }
        for (int i = 0; i < count; i++)
            CopyTo(layers[i], files.Select(file => file.Path).Where(path => layerOf[owners.GetValueOrDefault(path, "~")] == i));
        return layers;
    }

    /// <summary>Which package each path is of.</summary>
    private Dictionary<string, string> Owners()
    {
        Dictionary<string, string> owners = [];
        foreach (string list in Directory.EnumerateFiles(Path.Combine(Folder, PackageLists), "*.list"))
        {
            foreach (string line in File.ReadLines(list))
            {
                string path = line.TrimStart('/');
                if (s_moved.Any(path.StartsWith))
                    path = $"usr/{path}";
                if (!Directory.Exists(Path.Combine(Folder, path)))
                    owners.TryAdd(path, Path.GetFileNameWithoutExtension(list));
            }
        }
        return owners;
    }

    /// <summary>All but directories, which come along with what is in them; find(1) follows no link out of the root.</summary>
    private List<(string Path, long Size)> Files()
    {
        string list = $"{Folder}.list";
        Runner.Start("sh", ["-c",
            $"cd '{Folder}' && find . -mindepth 1 '(' ! -type d -o -empty ')' -printf '%s %P\\0' > '{list}'"]);
        string[] lines = File.ReadAllText(list).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        File.Delete(list);
        return [.. lines.Select(line => line.Split(' ', 2))
            .Select(words => (words[1], long.Parse(words[0], CultureInfo.InvariantCulture)))];
    }

    private void CopyTo(string layer, IEnumerable<string> paths)
    {
        SortedSet<string> all = new(StringComparer.Ordinal) { "." };
        foreach (string path in paths)
        {
            for (string? part = path; !string.IsNullOrEmpty(part); part = Path.GetDirectoryName(part))
                all.Add(part);
        }
        string list = $"{layer}.list", partial = $"{layer}.partial";
        if (Directory.Exists(partial))
            Directory.Delete(partial, true);
        Directory.CreateDirectory(partial);
        File.WriteAllBytes(list, Encoding.UTF8.GetBytes(string.Concat(all.Select(path => path + '\0'))));
        Runner.Start("sh", ["-c", $"tar -C '{Folder}' --no-recursion --null -T '{list}' -cf - | tar -C '{partial}' -xpf -"]);
        File.Delete(list);
        Directory.Move(partial, layer);
    }

    /// <summary>Where this machine gets its own Debian from.</summary>
    private static string Mirror()
    {
        const string list = "/etc/apt/sources.list", parts = "/etc/apt/sources.list.d";
        IEnumerable<string> files = Directory.Exists(parts) ? Directory.GetFiles(parts).Append(list) : [list];
        foreach (string line in files.Where(File.Exists).SelectMany(File.ReadAllLines))
        {
            string? address = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .FirstOrDefault(word => word.TrimEnd('/').EndsWith("/debian", StringComparison.Ordinal));
            if (address is not null && (line.StartsWith("URIs:", StringComparison.Ordinal) || line.StartsWith("deb ")))
                return address;
        }
        throw new BenchException("the machine's package sources name no Debian; the boot benchmark is made of one");
    }
}
