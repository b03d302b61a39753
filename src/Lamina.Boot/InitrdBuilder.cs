using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Lamina.Archives;
using Lamina.Images;
using Lamina.Platform;
using Lamina.Reading;
using Lamina.Trust;
using Lamina.Writing;

namespace Lamina.Boot;

/// <summary>
/// Makes an initramfs: an uncompressed newc archive, as its layers are compressed, that holds /init, the modules it needs, and
/// the layers. /init comes first and the layers last, so an archive that is cut off, or a memory that is too small, is told
/// about.
/// </summary>
public static class InitrdBuilder
{
    /// <summary>What the in-place form asks of the kernel.</summary>
    public const string RetainOption = "retain_initrd";

    /// <summary>What a boot can need, whatever the layers are.</summary>
    private static readonly string[] s_modules = ["erofs", "loop", "overlay"];

    /// <summary>What only some boots need, and not all kernels have: brought along, and loaded when one asks for it.</summary>
    private static readonly string[] s_rareModules = ["dm_verity"];

    private const int FirstOfBase = 100, FirstOfExtra = 500, NumberLimit = 1000;

    /// <summary>Makes an archive. It appears whole or not at all.</summary>
    /// <param name="layers">The layers, lowest first.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="options">How.</param>
    /// <exception cref="FileNotFoundException">A file or a module is missing.</exception>
    /// <exception cref="UnsupportedImageException">Something is no layer, or the layers cannot be merged.</exception>
    /// <exception cref="ArgumentException">Two layers have one name.</exception>
    public static InitrdResult Build(IReadOnlyList<InitrdLayer> layers, string path, InitrdOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        string[] names = NameAll(layers, options);
        List<ByteSource> sources = [];
        try
        {
            foreach (InitrdLayer layer in layers)
            {
                sources.Add(layer.Bytes ?? ByteSource.OpenFile(layer.Path));
                BootIndex.Check(sources[^1]);
                CpioWriter.RefuseTooLong(sources[^1]);
            }
            if (sources.Count > 0 && options.Init is not null)
                BootIndex.Plan(sources, OldestKernel(options));
            List<string> warnings = FindOddities(layers, sources, options);
            InitrdTrust? trust = options.Verity is null ? null : InitrdTrust.Prepare(sources, options.Verity);
            return Write(layers, names, trust?.Bodies ?? sources, trust, path, options) with { Warnings = warnings };
        }
        finally
        {
            sources.ForEach(source => source.Dispose());
        }
    }

    /// <summary>Refuses what could not boot, and says what probably could not.</summary>
    private static List<string> FindOddities(
        IReadOnlyList<InitrdLayer> layers, List<ByteSource> sources, InitrdOptions options)
    {
        List<string> warnings = [];
        if (options.Form == InitrdForm.InPlace && sources.Count > 0)
        {
            string? old = ModulesOf(options).Select(modules => modules.Release)
                .FirstOrDefault(release => !BootIndex.KeepsArchives(release));
            if (old is not null)
                throw BootIndex.RefuseInPlace(sources[0].Name, old);
        }
        foreach (string program in ((string?[])[options.Init, options.RescueShell]).OfType<string>())
        {
            if (ProgramCheck.FindFault(HostFile.ReadAllBytes(program)) is { } fault)
                warnings.Add($"{program} {fault}");
        }
        if (options.Other is { HasInit: false })
            warnings.Add($"{layers[0].Path} has no /init: it is no whole initramfs, and nothing will be started");
        else if (options.Init is not null && sources.Count > 0 && !BootIndex.HaveInit(sources))
        {
            warnings.Add($"no layer has an init ({string.Join(", ", BootFiles.InitPrograms)}); " +
                "a boot needs init= on the command line, or a further layer");
        }
        if (options.Other is not null && ModulesOf(options).Count == 0)
        {
            warnings.Add($"{layers[0].Path} has no kernel modules: the kernel must have erofs, loop and overlay built in, " +
                "or its modules be named with --kernel-modules");
        }
        if (options.Verity is not null && layers.Any(layer => layer.IsOptional))
            warnings.Add("with lamina.roothash= on the command line every layer is needed, those called optional too");
        return warnings;
    }

    private static InputFiles InputsOf(IReadOnlyList<InitrdLayer> layers, InitrdOptions options)
    {
        InputFiles inputs = new InputFiles().Add(options.Init).Add(options.RescueShell);
        foreach (string path in layers.Select(layer => layer.Path).Concat(options.Early))
            inputs.Add(path);
        return inputs;
    }

    /// <summary>Whether an archive has layers that stay where they are, so that the kernel must keep it.</summary>
    /// <exception cref="CorruptImageException">The archive is cut off.</exception>
    public static bool HasLayersInPlace(ByteSource archive) => ArchiveSet.HasLayersInPlace(archive);

    internal static bool IsLayerInPlace(CpioEntry entry) =>
        entry.IsFifo && entry.BodySize > 0 && Path.GetDirectoryName(entry.Name) == BootFiles.Layers;

    private static InitrdResult Write(
        IReadOnlyList<InitrdLayer> layers, string[] names, IReadOnlyList<ByteSource> sources, InitrdTrust? trust, string path,
        InitrdOptions options)
    {
        long total = sources.Sum(source => source.Length);
        using OutputFile output = new(path, options.Overwrite, InputsOf(layers, options), progress: options.Counter(() => total));
        long start = options.Other is null ? 0 : CopyEarly(output, options.Other.Early, 0);
        foreach (string early in options.Early)
            start = CopyEarly(output, early, start);
        CpioWriter archive = new(output, start);
        AddFrame(archive, options);
        IReadOnlyList<string> modules = AddModules(archive, options);
        AddLists(archive, layers, names, sources, options.Form);
        BootTrust trusted = trust is null || sources.Count == 0 ? new BootTrust() : AddRootHashes(archive, trust.List(names));
        if (options.HasIndex && AddIndex(archive, sources, options) is { } index)
            trusted = trusted with { Main = index.RootHashText };
        for (int i = 0; i < sources.Count; i++)
            AddLayer(archive, names[i], sources[i], options.Form);
        archive.Finish();
        output.Commit();
        return new InitrdResult(path, archive.Position, names, modules,
            NeededOptions(options.Form == InitrdForm.InPlace, trusted));
    }

    /// <summary>What an archive asks of the kernel command line.</summary>
    internal static string NeededOptions(bool isInPlace, BootTrust trust)
    {
        string options = trust.ToString().Length == 0 ? "" : new BootOptions { Trust = trust }.ToString();
        return $"{(isInPlace ? RetainOption : "")} {options}".Trim();
    }

    /// <summary>The root hashes that archives bring: of the index in them, and of lists.</summary>
    /// <exception cref="CorruptImageException">An archive is cut off.</exception>
    internal static BootTrust TrustOf(IEnumerable<ByteSource> archives)
    {
        BootTrust trust = new();
        foreach (ByteSource archive in archives)
        {
            foreach (CpioEntry entry in new CpioReader(archive).ReadAll().Where(entry => entry.IsRegularFile || entry.IsFifo))
            {
                ByteSource body = ByteSource.Slice(archive, entry.Name, entry.BodyOffset, entry.BodySize);
                if (Path.GetDirectoryName(entry.Name) == BootFiles.RootHashes)
                    trust = trust with { Lists = [.. trust.Lists, Convert.ToHexStringLower(Sha256.Compute(body))] };
                else if (entry.Name == BootFiles.Index && AppendedTree.Find(body) is { } tree)
                    trust = trust with { Main = RootHashOf(body, tree.SuperBlock, tree.Offset) };
            }
        }
        return trust;
    }

    private static string RootHashOf(ByteSource image, VeritySuperBlock tree, long offset) =>
        Convert.ToHexStringLower(VerityTree.RootOf(tree, image, image, offset));

    private static BootTrust AddRootHashes(CpioWriter archive, byte[] list)
    {
        string digest = InitrdTrust.DigestOf(list);
        archive.AddDirectory(BootFiles.RootHashes);
        archive.AddFile($"{BootFiles.RootHashes}/{digest[..16]}", list);
        return new BootTrust { Lists = [digest] };
    }

    /// <summary>Early microcode is looked for at the very start, in the first archive.</summary>
    private static long CopyEarly(OutputFile output, string path, long position)
    {
        using ByteSource source = ByteSource.OpenFile(path);
        if (!CpioReader.IsCpio(source) || ArchiveCheck.Read(source).IsPacked)
        {
            throw new UnsupportedImageException(path, "no uncompressed cpio archive: what goes first must be one",
                "Only an archive of early files, such as microcode, belongs there.");
        }
        return CopyEarly(output, source, position);
    }

    private static long CopyEarly(OutputFile output, ByteSource source, long position)
    {
        output.CopyFrom(source, 0, position, source.Length);
        return (position + source.Length + CpioWriter.PageSize - 1) & ~(CpioWriter.PageSize - 1L);
    }

    private static void AddFrame(CpioWriter archive, InitrdOptions options)
    {
        if (options.Init is not null)
        {
            foreach (string directory in (string[])["dev", "proc", "sys", "run"])
                archive.AddDirectory(directory);
            archive.AddCharacterDevice("dev/console", 5, 1);
            archive.AddFile("init", HostFile.ReadAllBytes(options.Init), isExecutable: true);
        }
        foreach (string directory in (string[])[BootFiles.Folder, BootFiles.Layers, BootFiles.Lists, BootFiles.Marks])
            archive.AddDirectory(directory);
        if (options.Other is { } other)
            archive.AddFile(BootFiles.Options, Encoding.UTF8.GetBytes($"{other.BootWords}\n"));
        if (options.RescueShell is not null)
            archive.AddFile(BootFiles.Shell, HostFile.ReadAllBytes(options.RescueShell), isExecutable: true);
    }

    private static List<string> AddModules(CpioWriter archive, InitrdOptions options)
    {
        List<string> added = [];
        IReadOnlyList<KernelModules> kernels = ModulesOf(options);
        if (kernels.Count > 0)
            archive.AddDirectory(BootFiles.Modules);
        foreach (KernelModules kernel in kernels)
        {
            string folder = $"{BootFiles.Modules}/{kernel.Release}";
            archive.AddDirectory(folder);
            HashSet<string> inArchive = [];
            AddModules($"{folder}/{BootFiles.ModuleOrder}", kernel.Resolve(s_modules.Concat(options.ExtraModules)));
            foreach (string rare in s_rareModules.Where(kernel.Has))
                AddModules($"{folder}/{BootFiles.ModuleOrder}-{rare}", kernel.Resolve([rare]));

            void AddModules(string list, IReadOnlyList<ModuleFile> files)
            {
                StringBuilder order = new();
                foreach (ModuleFile file in files)
                {
                    order.Append(file.IsOptional ? "-" : "").Append(file.Name).Append('\n');
                    if (!inArchive.Add(file.Name))
                        continue;
                    archive.AddFile($"{folder}/{file.Name}.ko", file.Read());
                    added.Add(file.Name);
                }
                archive.AddFile(list, Encoding.UTF8.GetBytes(order.ToString()));
            }
        }
        return added;
    }

    /// <summary>Adds a layer, and behind one that is to be a file the mark that it was unpacked to its end.</summary>
    internal static void AddLayer(CpioWriter archive, string name, ByteSource layer, InitrdForm form)
    {
        archive.AddPages($"{BootFiles.Layers}/{name}", layer, form == InitrdForm.InPlace);
        if (form == InitrdForm.Files)
            archive.AddFile($"{BootFiles.Marks}/{name}", []);
    }

    /// <summary>One list for the whole archive, under a name that only an archive with the same layers has.</summary>
    private static void AddLists(
        CpioWriter archive, IReadOnlyList<InitrdLayer> layers, string[] names, IReadOnlyList<ByteSource> sources, InitrdForm form)
    {
        if (sources.Count == 0)
            return;
        IEnumerable<ListedLayer> listed = sources.Select((source, i) =>
            new ListedLayer(names[i], source.Length, Convert.ToHexStringLower(ContentDigest.Compute(source, source.Length)),
                form, layers[i].IsOptional));
        byte[] text = LayerList.Format(listed);
        archive.AddFile($"{BootFiles.Lists}/{LayerList.NameOf(names[0], SHA256.HashData(text))}", text);
    }

    private static VerityInfo? AddIndex(CpioWriter archive, IReadOnlyList<ByteSource> sources, InitrdOptions options)
    {
        using LayoutPlanner planner = BootIndex.Lay(sources, new WriteOptions
        {
            Mode = OutputMode.Index,
            Kernel = OldestKernel(options),
            Verity = options.Verity,
            CarriesLayers = true,
        });
        ByteSource index = new LayoutSource("index", planner.Layout);
        VerityInfo? tree = null;
        if (options.Verity is { } verity)
            (index, tree) = InitrdTrust.WithTree(index, verity);
        archive.AddPages(BootFiles.Index, index, options.Form == InitrdForm.InPlace);
        return tree;
    }

    private static string[] NameAll(IReadOnlyList<InitrdLayer> layers, InitrdOptions options)
    {
        int number = options.FirstNumber ?? (options.Init is null ? FirstOfExtra : FirstOfBase);
        string[] names = new string[layers.Count];
        for (int i = 0; i < names.Length; i++)
        {
            string text = layers[i].Label ?? PathBytes.ToText(Path.GetFileName(layers[i].Path));
            names[i] = layers[i].Name ?? string.Create(CultureInfo.InvariantCulture, $"{number + i:000}-{text}");
            if (number + i >= NumberLimit && layers[i].Name is null)
                throw new ArgumentException($"layer {i + 1} would have number {number + i}; {NumberLimit - 1} is the last");
            if (names[i].Length == 0 || names[i].AsSpan().ContainsAny("/,\n\0") || names[i].StartsWith('.'))
                throw new ArgumentException($"{names[i]}: the name of a layer has no slash, comma, or dot in front");
        }
        string? twice = names.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1)?.Key;
        if (twice is not null)
            throw new ArgumentException($"{twice}: two layers have this name");
        if (!names.Order(StringComparer.Ordinal).SequenceEqual(names))
            throw new ArgumentException("the names given put the layers into another order than they stand in; lowest first");
        return names;
    }

    /// <summary>The oldest kernel that an archive is for; null if nothing says.</summary>
    internal static KernelProfile? OldestKernel(InitrdOptions options) => options.Kernel ?? ModulesOf(options)
        .Select(modules => BootIndex.ProfileOf(modules.Release)).MinBy(profile => profile.Version);

    /// <summary>The modules that were named, and of other kernels those that the other initramfs has.</summary>
    private static List<KernelModules> ModulesOf(InitrdOptions options)
    {
        List<KernelModules> all = [.. options.KernelModules.Select(KernelModules.Open)];
        foreach (ModuleFolder folder in options.Other?.ModuleFolders ?? [])
        {
            if (!all.Exists(modules => modules.Release == folder.Release))
                all.Add(KernelModules.Open(folder));
        }
        return all;
    }
}
