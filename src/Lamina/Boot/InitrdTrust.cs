using System.Globalization;
using System.Security.Cryptography;
using Lamina.Images;
using Lamina.Reading;
using Lamina.Verity;

namespace Lamina.Boot;

/// <summary>
/// The layers of an archive with a dm-verity tree behind each: those that were made with one keep it, others get one, in a
/// copy. What has no place for a tree, as a tar, is known by its SHA-256.
/// </summary>
internal sealed class InitrdTrust : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lamina-layers-").FullName;
    private readonly List<(LayerCheck Check, string Value)> _values = [];
    private readonly List<string> _paths = [];

    private InitrdTrust()
    {
    }

    /// <summary>The files to take, in the order of the layers.</summary>
    public IReadOnlyList<string> Paths => _paths;

    /// <summary>Finds or makes the trees.</summary>
    /// <exception cref="CorruptImageException">A layer does not match the tree behind it.</exception>
    public static InitrdTrust Prepare(IReadOnlyList<InitrdLayer> layers, VerityOptions options)
    {
        InitrdTrust trust = new();
        try
        {
            foreach (InitrdLayer layer in layers)
                trust.Add(layer.Path, options);
            return trust;
        }
        catch
        {
            trust.Dispose();
            throw;
        }
    }

    /// <summary>What a boot has to find under these names.</summary>
    public byte[] List(IReadOnlyList<string> names) => RootHashList.Format(
        _values.Select((value, i) => new ExpectedLayer(names[i], value.Check, value.Value)));

    /// <summary>How a list is named on the command line.</summary>
    public static string DigestOf(ReadOnlySpan<byte> list) => Convert.ToHexStringLower(SHA256.HashData(list));

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Add(string path, VerityOptions options)
    {
        using ByteSource source = ByteSource.OpenFile(path);
        if (!ErofsImage.IsErofs(source))
        {
            _paths.Add(path);
            _values.Add((LayerCheck.Sha256, Convert.ToHexStringLower(ContentDigest.Compute(source, source.Length))));
            return;
        }
        string withTree = path;
        VerityInfo? info = VerityImage.Find(path);
        if (info is null)
        {
            string own = Directory.CreateDirectory(
                Path.Combine(_folder, _paths.Count.ToString(CultureInfo.InvariantCulture))).FullName;
            withTree = Path.Combine(own, Path.GetFileName(path));
            File.Copy(path, withTree);
            info = VerityImage.Format(withTree, new VerityFormatOptions { Tree = options });
        }
        else
        {
            VerityReport report = VerityImage.Verify(path, info.RootHash.Span);
            if (!report.IsSound)
                throw new CorruptImageException(path, $"does not match the dm-verity tree behind it: {report.Faults[0]}");
        }
        _paths.Add(withTree);
        _values.Add((LayerCheck.Verity, info.RootHashText));
    }
}
