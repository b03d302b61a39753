using Lamina.Platform;

namespace Lamina.Writing;

/// <summary>
/// An output that nobody sees: for the ends of files that are to stand with inodes, and for all that is encoded while planning
/// where the image itself goes to a stream or nowhere.
/// </summary>
internal sealed class SpoolOutput : IDisposable
{
    private readonly OutputPlace _place;
    private readonly string _path;

    /// <summary>Makes one.</summary>
    /// <param name="path">The file beside which it is kept.</param>
    public SpoolOutput(string path)
    {
        _path = path;
        _place = OutputPlace.OpenAside(path);
        Output = new ImageOutput(_place.Handle, null, null, path);
    }

    /// <summary>The output.</summary>
    public ImageOutput Output { get; }

    /// <summary>What a planner is given.</summary>
    public (ImageOutput Output, string Path) Target => (Output, _path);

    /// <summary>Makes one, if data is to be encoded.</summary>
    /// <param name="options">How the image is written.</param>
    /// <param name="beside">Beside which file it is kept; null for the folder of temporary files.</param>
    public static SpoolOutput? For(WriteOptions options, string? beside) =>
        options.Encoding is null ? null : new SpoolOutput(beside ?? Path.Combine(Path.GetTempPath(), "lamina"));

    /// <inheritdoc/>
    public void Dispose()
    {
        Output.Dispose();
        _place.Dispose();
    }
}
