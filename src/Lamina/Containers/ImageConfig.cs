namespace Lamina.Containers;

/// <summary>What an image says of itself and of how it is run.</summary>
internal sealed record ImageConfig
{
    /// <summary>A config has labels and a history of every step: what registries take, twice over.</summary>
    public const int MaxSize = 8 << 20;

    /// <summary>The config as it stands in the image.</summary>
    public required ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>What it runs on.</summary>
    public required ImagePlatform Platform { get; init; }

    /// <summary>The digests of the layers' tars, lowest first.</summary>
    public required IReadOnlyList<Digest> DiffIds { get; init; }

    /// <summary>When it was made; empty where that is not said.</summary>
    public string Created { get; init; } = "";

    /// <summary>Who runs in it.</summary>
    public string User { get; init; } = "";

    /// <summary>Where it runs.</summary>
    public string WorkingDirectory { get; init; } = "";

    /// <summary>How it is asked to stop.</summary>
    public string StopSignal { get; init; } = "";

    /// <summary>The program's first words.</summary>
    public IReadOnlyList<string> Entrypoint { get; init; } = [];

    /// <summary>The words behind them, unless others are given.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>The environment, NAME=VALUE.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>Ports that it listens at.</summary>
    public IReadOnlyList<string> Ports { get; init; } = [];

    /// <summary>Directories that are not part of it.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    /// <summary>Names and values for people and programs.</summary>
    public IReadOnlyList<(string Name, string Value)> Labels { get; init; } = [];

    /// <summary>Reads a config.</summary>
    public static ImageConfig Parse(string name, byte[] bytes)
    {
        JsonReading json = JsonReading.Parse(name, bytes), roots = json.Get("rootfs");
        if (roots.Text("type") is not "layers" and var type)
            throw new UnsupportedImageException(name, $"has a rootfs of type {type}; layers is known");
        ImageConfig config = new()
        {
            Bytes = bytes,
            Platform = new ImagePlatform(json.Text("os"), json.Text("architecture"), json.Text("variant")),
            DiffIds = [.. roots.Items("diff_ids").Select(item => item.AsDigest(item.Text()))],
            Created = json.Text("created"),
        };
        return json.Find("config") is not { } run ? config : config with
        {
            User = run.Text("User"),
            WorkingDirectory = run.Text("WorkingDir"),
            StopSignal = run.Text("StopSignal"),
            Entrypoint = Texts(run, "Entrypoint"),
            Command = Texts(run, "Cmd"),
            Environment = Texts(run, "Env"),
            Ports = [.. run.Members("ExposedPorts").Select(member => member.Name)],
            Volumes = [.. run.Members("Volumes").Select(member => member.Name)],
            Labels = [.. run.Members("Labels").Select(member => (member.Name, member.Value.Text()))],
        };
    }

    private static string[] Texts(JsonReading json, string member) => [.. json.Items(member).Select(item => item.Text())];
}
