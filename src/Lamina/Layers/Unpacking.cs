using System.Diagnostics.CodeAnalysis;
using Lamina.Archives;
using Lamina.Platform;

namespace Lamina.Layers;

/// <summary>Puts what a compressed file holds where it can be read at any position: into a file without a name.</summary>
internal static class Unpacking
{
    /// <summary>
    /// A program that has no place for unpacked data switches this off when it is published: layers are images and plain tars
    /// then.
    /// </summary>
    [FeatureSwitchDefinition("Lamina.Unpacking")]
    internal static bool IsSupported => !AppContext.TryGetSwitch("Lamina.Unpacking", out bool isOn) || isOn;

    /// <summary>
    /// A file that is compressed and holds another compressed one is a mistake of somebody's; more of these are made to waste
    /// time.
    /// </summary>
    private const int MaxNesting = 2;

    /// <summary>Decompresses a source, which is closed then; one that is not compressed is returned as it is.</summary>
    /// <param name="source">The file. If this fails, it is still the caller's.</param>
    /// <param name="options">Beside which file the data are kept, and the most that it may decompress to.</param>
    /// <exception cref="CorruptImageException">It is damaged, or something follows what is compressed.</exception>
    /// <exception cref="UnsupportedImageException">It decompresses to more than may be.</exception>
    public static ByteSource Unpack(ByteSource source, LayerOptions options)
    {
        for (int depth = 1; Packed.KindAt(source, 0) is { } kind; depth++)
        {
            if (depth > MaxNesting)
            {
                throw new UnsupportedImageException(source.Name, $"is compressed more than {MaxNesting} times",
                    Packed.AdviceFor(kind, source.Name));
            }
            SpooledFile spool = new(source, options.SpoolBeside, $"is compressed with {kind}");
            try
            {
                long length = source.Length;
                Packed.DecodeAll(source, run => Append(spool, run, options.MaxSize), options.Work.Counter(() => length));
            }
            catch
            {
                spool.Dispose();
                throw;
            }
            source.Dispose();
            source = spool;
        }
        return source;
    }

    /// <summary>Keeps a run of what was decompressed, if it is not too much.</summary>
    public static void Append(SpooledFile spool, ReadOnlySpan<byte> run, long maxSize)
    {
        if (maxSize > 0 && spool.Length > maxSize - run.Length)
            throw TooLarge(spool.Name, maxSize);
        spool.Append(run);
    }

    /// <summary>Says that something is larger than was allowed.</summary>
    public static UnsupportedImageException TooLarge(string name, long maxSize) => new(name,
        $"decompresses to more than {maxSize} bytes", "If that is what it should be, allow more: --max-size");
}
