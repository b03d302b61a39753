using System.CommandLine;
using Lamina.Writing;

namespace Lamina.Cli;

/// <summary><c>lamina build</c>: whatever people hold becomes one compressed image.</summary>
internal sealed class BuildVerb(Session session) : ImageVerb(session, "build",
    "Makes one EROFS image with the data of all sources, compressed. Sources are named lowest first: the later one wins.",
    "lamina build rootfs.tar -o root.erofs                     # zstd, for Linux 6.12 and newer",
    "lamina build -z lz4hc,12 --kernel 6.1 base.tar app.tar -o root.erofs",
    "lamina build -z zstd,15 --kernel 7.2 rootfs.tar -o root.erofs   # smallest: clusters begin at any byte",
    "lamina build -z none rootfs.tar -o root.erofs")
{
    private EncodeArguments? _encoding;

    protected override string Doing(WriteOptions writing) => "encoding";

    protected override void AddOwnOptions() => _encoding = new EncodeArguments(this, "--compress", isRequired: false);

    protected override (string Mode, WriteOptions Writing) Shape(ParseResult arguments, WriteOptions writing) =>
        ("full", writing with { Mode = OutputMode.Full, Encoding = _encoding!.Encoding(arguments) });
}
