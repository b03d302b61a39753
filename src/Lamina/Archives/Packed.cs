using System.Buffers.Binary;
using Lamina.Compression;
using Lamina.Platform;

namespace Lamina.Archives;

/// <summary>What files are compressed with, known by their first bytes, and how they are decoded.</summary>
/// <remarks>
/// A file may hold several streams one behind the other, as pigz, pzstd, xz and cat make them: together they are one. Zeros may
/// follow, as tapes and block devices pad; anything else may not.
/// </remarks>
internal static class Packed
{
    private const string Gzip = "gzip", Zstd = "zstd", Xz = "xz", Bzip2 = "bzip2", Lzma = "lzma";
    private const string Lz4 = "lz4", LegacyLz4 = "lz4 -l";

    /// <summary>Bytes by which a kind is known.</summary>
    private const int HeadSize = 16;

    private const uint FirstSkippable = 0x184D2A50, SkippableMask = 0xFFFFFFF0;

    /// <summary>What begins at a byte of a source is compressed with, as a program's name; null if it is not.</summary>
    /// <remarks>Frames that zstd and lz4 pass over are looked through.</remarks>
    public static string? KindAt(ByteSource source, long offset)
    {
        Span<byte> head = stackalloc byte[HeadSize];
        while (true)
        {
            int count = source.Read(offset, head);
            if (!IsSkippable(head[..count]))
                return KindOf(head[..count]);
            offset += 8 + BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
        }
    }

    /// <summary>What to do with a file of a kind: the command that decompresses it.</summary>
    public static string AdviceFor(string kind, string name) => AdviceOf(kind switch
    {
        Lzma => "xz -dc --format=lzma",
        LegacyLz4 => "lz4 -dc",
        _ => $"{kind} -dc",
    }, name);

    /// <summary>What to do with a file: a command that decompresses it to standard output.</summary>
    public static string AdviceOf(string command, string name)
    {
        string plain = Path.GetFileNameWithoutExtension(name);
        if (plain.Length == 0 || plain == Path.GetFileName(name))
            plain = $"{plain}.out";
        return $"Decompress it first: {command} {ShellText.Quote(name)} > {ShellText.Quote(plain)}";
    }

    /// <summary>Begins to decode the one stream at the input's position.</summary>
    /// <param name="input">The input. Once the stream gives no more, it is behind its last byte.</param>
    /// <param name="kind">The kind, as <see cref="KindAt"/> found it.</param>
    public static PackedStream Open(PackedInput input, string kind)
    {
        SkipSkippable(input);
        return kind switch
        {
            Gzip => new GzipMember(input),
            Zstd => new ZstdFrame(input),
            Xz => new XzStream(input),
            Lz4 => new Lz4Stream(input),
            LegacyLz4 => new LegacyLz4Stream(input),
            Bzip2 => new Bzip2Stream(input),
            Lzma => new LzmaStream(input),
            _ => throw new ArgumentException($"{kind} is not known", nameof(kind)),
        };
    }

    /// <summary>
    /// Decodes one stream behind the other, up to the end of the source.
    /// </summary>
    /// <param name="source">The compressed file.</param>
    /// <param name="take">Takes each run of what it decodes to.</param>
    /// <param name="progress">Takes bytes of the source as they are done; null if nobody cares.</param>
    /// <exception cref="CorruptImageException">It is damaged, cut off, or something else follows.</exception>
    public static void DecodeAll(ByteSource source, Taker take, Action<long>? progress = null)
    {
        long told = 0;
        PackedInput input = new(source, 0);
        string kind = KindAt(source, 0) ?? throw input.Corrupt("is not compressed in a way that is known");
        do
        {
            using PackedStream stream = Open(input, kind);
            for (ReadOnlySpan<byte> run; !(run = stream.Next()).IsEmpty;)
            {
                take(run);
                if (progress is null || input.Position == told)
                    continue;
                progress(input.Position - told);
                told = input.Position;
            }
        }
        while (HasMore(input, kind));
    }

    /// <summary>Takes a run of bytes.</summary>
    public delegate void Taker(ReadOnlySpan<byte> bytes);

    /// <summary>Whether another stream follows. Zeros up to the end are padding.</summary>
    private static bool HasMore(PackedInput input, string kind)
    {
        SkipSkippable(input);
        ReadOnlySpan<byte> head = input.Peek(HeadSize);
        if (head.IsEmpty)
            return false;
        if (KindOf(head) == kind)
            return true;
        long at = input.Position;
        for (; !(head = input.Peek(1)).IsEmpty; input.Skip(head.Length))
        {
            int other = head.IndexOfAnyExcept((byte)0);
            if (other < 0)
                continue;
            if (kind == Xz && other % 4 == 0 && KindOf(head[other..]) == kind)    // padding between streams
            {
                input.Skip(other);
                return true;
            }
            throw input.Corrupt($"the data compressed with {kind} end, and something else follows", at);
        }
        return false;
    }

    private static void SkipSkippable(PackedInput input)
    {
        while (IsSkippable(input.Peek(HeadSize)))
        {
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(input.Peek(HeadSize)[4..]);
            input.SkipFar(8L + size);
        }
    }

    private static bool IsSkippable(ReadOnlySpan<byte> head) => head.Length >= 8 &&
        (BinaryPrimitives.ReadUInt32LittleEndian(head) & SkippableMask) == FirstSkippable;

    private static string? KindOf(ReadOnlySpan<byte> head) =>
        head.StartsWith(GzipMember.Magic) ? Gzip
        : head.StartsWith(ZstdFrame.Magic) ? Zstd
        : head.StartsWith(XzStream.Magic) ? Xz
        : head.StartsWith(Lz4Stream.Magic) ? Lz4
        : head.StartsWith(LegacyLz4Stream.Magic) ? LegacyLz4
        : Bzip2Stream.IsHead(head) ? Bzip2
        : LzmaStream.IsHead(head) ? Lzma
        : null;
}
