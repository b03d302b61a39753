using System.CommandLine;
using System.Text.Json;
using Lamina.Boot;
using Lamina.Platform;
using Lamina.Trust;

namespace Lamina.Cli;

/// <summary><c>lamina initrd</c>: layers and /init become an initramfs, or layers alone an archive to append to one.</summary>
internal sealed class InitrdVerb : Verb
{
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The archive to write",
        HelpName = "OUT",
        Required = true,
    };

    private readonly Option<string[]> _layersOnly = new("--layer-only")
    {
        Description = "An archive of the layers without /init and modules, to be appended to one that has them",
        HelpName = "LAYER...",
        Arity = ArgumentArity.ZeroOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> _optional = new("--optional")
    {
        Description = "One of the layers that a boot goes on without if it is damaged or cut off; with lamina.roothash= on the " +
            "command line every layer is needed",
        HelpName = "LAYER",
    };

    private readonly Option<string> _form = new Option<string>("--form")
    {
        HelpName = "FORM",
        Description = "files: layers are unpacked into memory, every kernel can; in-place: they stay where the boot loader put " +
            "them, which takes Linux 6.6 and half the memory",
        DefaultValueFactory = _ => "files",
    }.AcceptOnlyFromAmong("files", "in-place");

    private readonly Option<string[]> _kernelModules = new("--kernel-modules")
    {
        Description = "The lib/modules/RELEASE of a kernel that boots it; once for each. Without: it has all built in",
        HelpName = "DIR",
    };

    private readonly Option<string[]> _modules = new("--module")
    {
        Description = "A module besides erofs, loop, overlay and dm-verity, such as the driver of a disk",
        HelpName = "NAME",
    };

    private readonly Option<string[]> _early = new("--microcode")
    {
        Description = "An uncompressed cpio that goes in front as it is",
        HelpName = "FILE",
    };

    private readonly Option<bool> _noIndex = new("--no-index")
    {
        Description = "Merge at boot. Without: layers are merged now and the index is put in; a boot with others besides " +
            "merges itself",
    };

    private readonly Option<int?> _first = new("--first")
    {
        Description = "The number of the first layer; names begin with numbers, and their order is that of the layers. " +
            "Without: 100, or 500 with --layer-only",
        HelpName = "NUMBER",
    };

    private readonly Option<string> _rescueShell = new("--rescue-shell")
    {
        Description = "A static program as /bin/sh, for lamina.rescue on the command line: busybox",
        HelpName = "FILE",
    };

    private readonly Option<string> _init = new("--init")
    {
        Description = "The program /init. Without: lamina-init beside this program, or as published in its checkout",
        HelpName = "PROGRAM",
    };

    private readonly Option<bool> _verity = new("--verity")
    {
        Description = "Give each layer a dm-verity tree, and print the lamina.roothash= that a boot needs to use only these",
    };

    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace OUT if it exists" };
    private readonly Option<bool> _json = JsonOption();
    private readonly InitrdLayers _layers;

    public InitrdVerb(Session session) : base(session, "initrd",
        "Makes an initramfs whose layers stay compressed and are merged while the machine starts. Layers are named lowest " +
            "first: the later one wins. Further archives are appended with cat, and their layers come on top.",
        "lamina initrd -o initrd.img base.erofs app.erofs --kernel-modules /lib/modules/6.12.9",
        "lamina initrd -o initrd.img --form in-place rootfs.tar app/ --kernel-modules /lib/modules/6.12.9",
        "lamina initrd -o initrd.img --from /boot/initrd.img-6.12.9 --split-by modules --kernel-modules /lib/modules/6.12.9",
        "lamina initrd -o extra.img --layer-only config.erofs    # then: cat initrd.img extra.img > both.img")
    {
        _layers = new InitrdLayers(this);
        Option[] options = [_output, _layersOnly, _optional, _form, _kernelModules, _modules, _early, _noIndex, _first,
            _rescueShell, _init, _verity, _force, _json];
        foreach (Option option in options)
            Add(option);
    }

    protected override int Run(ParseResult arguments)
    {
        string output = arguments.GetRequiredValue(_output);
        string[] layers = _layers.Names(arguments), alone = Values(arguments, _layersOnly);
        bool isLayersOnly = arguments.GetResult(_layersOnly) is { Implicit: false };
        if (isLayersOnly)
            RefuseBeside(arguments);
        layers = [.. layers, .. alone];
        if (isLayersOnly && layers.Length == 0)
            throw new UsageException("--layer-only without a layer", "Name the layers that the archive is to have.");
        if (Values(arguments, _modules).Length > 0 && Values(arguments, _kernelModules).Length == 0
            && arguments.GetResult(_layers.From) is null)
        {
            throw new UsageException("--module has no effect without --kernel-modules", "Add --kernel-modules DIR.");
        }
        string form = arguments.GetRequiredValue(_form);
        using OtherInitrd? other = _layers.OpenOther(arguments, output);
        InitrdOptions options = new()
        {
            Form = form == "in-place" ? InitrdForm.InPlace : InitrdForm.Files,
            Init = isLayersOnly ? null : BootPrograms.FindInit(arguments.GetValue(_init)),
            KernelModules = Values(arguments, _kernelModules),
            ExtraModules = Values(arguments, _modules),
            Early = Values(arguments, _early),
            RescueShell = arguments.GetValue(_rescueShell),
            FirstNumber = arguments.GetValue(_first),
            Other = other,
            Kernel = _layers.Kernel(arguments),
            Verity = arguments.GetValue(_verity) ? new VerityOptions() : null,
            Overwrite = arguments.GetValue(_force),
        };
        string[] optional = Values(arguments, _optional);
        if (Array.Find(optional, name => !layers.Contains(name)) is { } stranger)
            throw new UsageException($"--optional {stranger}: it is none of the layers", "Name it as a layer as well.");
        InitrdResult result;
        using (Session.Interrupts.Writing(output))
        using (PreparedLayers prepared = _layers.Prepare(arguments, layers, optional, options, output, Session))
        {
            bool hasIndex = !isLayersOnly && prepared.Layers.Count > 1 && !arguments.GetValue(_noIndex);
            using ProgressLine progress = new(Session, "writing the archive");
            result = InitrdBuilder.Build(prepared.Layers, output,
                options with { HasIndex = hasIndex, Progress = progress, Threads = Session.Threads });
            progress.Complete();
            result = result with { Warnings = [.. prepared.Warnings, .. result.Warnings] };
        }
        foreach (string warning in result.Warnings)
            Session.Error.WriteLine($"lamina: warning: {warning}");
        if (arguments.GetValue(_json))
            WriteJson(result, form);
        else
            Write(result, form, isLayersOnly);
        return _layers.ExitCode;
    }

    private static string[] Values(ParseResult arguments, Option<string[]> option) => arguments.GetValue(option) ?? [];

    /// <summary>An archive with layers alone gets the rest from the one in front of it.</summary>
    private void RefuseBeside(ParseResult arguments)
    {
        Option[] others = [_layers.From, _layers.Named, _kernelModules, _modules, _early, _noIndex, _rescueShell, _init];
        Option? given = Array.Find(others, option => arguments.GetResult(option) is { Implicit: false });
        if (given is not null)
        {
            throw new UsageException($"{given.Name} has no place beside --layer-only",
                "It belongs to the archive that this one is appended to.");
        }
    }

    private void Write(InitrdResult result, string form, bool isLayersOnly)
    {
        string modules = isLayersOnly ? "" : $", {Texts.Count(result.Modules.Count, "kernel module")}";
        Output.WriteLine($"{result.Path} is {Texts.Size(result.Length)} ({form}): " +
            $"{Texts.Count(result.Layers.Count, "layer")}{modules}");
        if (result.Layers.Count > 0)
            Output.WriteLine($"  layers, lowest first: {string.Join(", ", result.Layers)}");
        if (result.Modules.Count > 0)
            Output.WriteLine($"  modules, as they load: {string.Join(", ", result.Modules.Distinct())}");
        if (isLayersOnly)
            Output.WriteLine($"Append it:  cat INITRD {ShellText.Quote(result.Path)} > BOTH");
        if (result.CommandLine.Length > 0)
            Output.WriteLine($"The kernel command line needs:  {result.CommandLine}");
    }

    private void WriteJson(InitrdResult result, string form)
    {
        using JsonOutput json = new(Output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteStartObject();
        writer.WriteString("output", result.Path);
        writer.WriteString("form", form);
        writer.WriteNumber("length", result.Length);
        json.WriteStrings("layers", result.Layers);
        json.WriteStrings("modules", result.Modules);
        writer.WriteString("commandLine", result.CommandLine);
        json.WriteStrings("warnings", result.Warnings);
        writer.WriteEndObject();
    }
}
