using System.CommandLine;
using Lamina.Boot;

namespace Lamina.Cli;

/// <summary><c>lamina uki</c>: kernel, command line and archives become one EFI program.</summary>
internal sealed class UkiVerb : Verb
{
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The image to write",
        HelpName = "OUT",
        Required = true,
    };

    private readonly Option<string> _kernel = new("--kernel", "-k")
    {
        Description = "The kernel, as /boot/vmlinuz-RELEASE",
        HelpName = "VMLINUZ",
        Required = true,
    };

    private readonly Option<string[]> _initrds = new("--initrd")
    {
        Description = "An archive; once for each, in the order in which the kernel unpacks them",
        HelpName = "FILE",
    };

    private readonly Option<string> _commandLine = new("--cmdline")
    {
        Description = "The kernel command line. What the archives need, such as retain_initrd, is added",
        HelpName = "TEXT",
        DefaultValueFactory = _ => "",
    };

    private readonly Option<string> _osRelease = new("--os-release")
    {
        Description = "An os-release file: it names the system in boot menus",
        HelpName = "FILE",
    };

    private readonly Option<string> _release = new("--uname")
    {
        Description = "The kernel's release, for boot menus",
        HelpName = "RELEASE",
    };

    private readonly Option<string> _stub = new("--stub")
    {
        Description = "systemd-stub. Without: where Debian's systemd-boot-efi has it",
        HelpName = "FILE",
    };

    private readonly Option<string?> _verity = new("--verity")
    {
        Description = "Put root hashes into the command line: of archives made with initrd --verity, and of the IMAGE that the " +
            "machine has on a disk",
        HelpName = "IMAGE",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string> _microcode = new("--microcode")
    {
        Description = "An uncompressed cpio with microcode alone, as a section of its own; it takes systemd-stub 256",
        HelpName = "FILE",
    };

    private readonly SignatureArguments _signature;
    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace OUT if it exists" };
    private readonly Option<bool> _json = JsonOption();

    public UkiVerb(Session session) : base(session, "uki",
        "Makes a unified kernel image: one EFI program of systemd-stub, kernel, command line and initramfs. The same parts " +
            "give the same bytes.",
        "lamina uki -o linux.efi --kernel /boot/vmlinuz-6.12.9 --initrd initrd.img --cmdline quiet --os-release /etc/os-release",
        "lamina uki -o linux.efi --kernel /boot/vmlinuz-6.12.9 --initrd initrd.img --initrd extra.img",
        "lamina uki -o linux.efi --kernel /boot/vmlinuz-6.12.9 --initrd initrd.img --verity root.erofs    # signs for its bytes",
        "lamina uki -o linux.efi --kernel /boot/vmlinuz-6.12.9 --initrd initrd.img --sign db.key --certificate db.pem")
    {
        Option[] options = [_output, _kernel, _initrds, _commandLine, _osRelease, _release, _stub, _microcode, _verity,
            _force, _json];
        foreach (Option option in options)
            Add(option);
        _signature = new SignatureArguments(this, session, isForBoot: true);
    }

    protected override int Run(ParseResult arguments)
    {
        string output = arguments.GetRequiredValue(_output), commandLine = arguments.GetRequiredValue(_commandLine);
        foreach (string word in BootOptions.Parse(commandLine).Unknown)
            Session.Error.WriteLine($"lamina: {word} on the command line is not known to /init");
        using System.Security.Cryptography.X509Certificates.X509Certificate2? signer = _signature.Load(arguments, output);
        UkiOptions options = new()
        {
            Signer = signer,
            Microcode = arguments.GetValue(_microcode),
            Stub = BootPrograms.FindStub(arguments.GetValue(_stub)),
            Kernel = arguments.GetRequiredValue(_kernel),
            Initrds = arguments.GetValue(_initrds) ?? [],
            CommandLine = commandLine,
            OsRelease = arguments.GetValue(_osRelease),
            KernelRelease = arguments.GetValue(_release),
            HasVerity = arguments.GetResult(_verity) is { Implicit: false },
            RootImage = arguments.GetValue(_verity),
            Overwrite = arguments.GetValue(_force),
        };
        UkiResult result;
        using (Session.Interrupts.Writing(output))
        using (ProgressLine progress = new(Session, "writing the image"))
        {
            result = UkiBuilder.Build(output, options with { Progress = progress, Threads = Session.Threads });
            progress.Complete();
        }
        foreach (string warning in result.Warnings)
            Session.Error.WriteLine($"lamina: warning: {warning}");
        if (arguments.GetValue(_json))
        {
            using JsonOutput json = new(Output);
            json.Writer.WriteStartObject();
            json.Writer.WriteString("output", result.Path);
            json.Writer.WriteNumber("length", result.Length);
            json.Writer.WriteString("commandLine", result.CommandLine);
            json.WriteStrings("warnings", result.Warnings);
            json.Writer.WriteEndObject();
            return ExitCodes.Done;
        }
        Output.WriteLine($"{result.Path} is {Texts.Size(result.Length)}: kernel and " +
            $"{Texts.Count(options.Initrds.Count, "archive")} behind systemd-stub");
        Output.WriteLine($"  command line: {result.CommandLine}");
        Output.WriteLine("Put it to EFI/Linux on the EFI system partition, or to EFI/BOOT/BOOTX64.EFI to be started by itself.");
        return ExitCodes.Done;
    }
}
