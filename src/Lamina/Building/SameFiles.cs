using System.Security.Cryptography;
using Lamina.Platform;
using Lamina.Tree;

namespace Lamina.Building;

/// <summary>Finds files with the same data: of those that have the same size the SHA-256 tells.</summary>
internal static class SameFiles
{
    /// <summary>Bytes of small files that one batch of hashing takes.</summary>
    private const long HashBatch = 1 << 20;

    /// <summary>Notes of each file with the same data as one before it which that is.</summary>
    /// <param name="files">The files, none of them empty.</param>
    /// <param name="threads">How many threads work.</param>
    /// <param name="cancellation">Stops it.</param>
    public static void Find(IEnumerable<FileToEncode> files, int threads, CancellationToken cancellation)
    {
        List<FileToEncode[]> batches = [];
        List<FileToEncode> batch = [];
        long bytes = 0;
        foreach (FileToEncode file in files.GroupBy(file => file.Size)
            .Where(group => group.Skip(1).Any()).SelectMany(group => group))
        {
            batch.Add(file);
            bytes += file.Size;
            if (bytes < HashBatch)
                continue;
            batches.Add([.. batch]);
            batch.Clear();
            bytes = 0;
        }
        batches.Add([.. batch]);
        Dictionary<(long Size, RunKey Key), FileToEncode> first = [];
        Pipeline.Run(threads, batches.Select(files => (Files: files, Hashes: new RunKey[files.Length])), () => new byte[1 << 18],
            (buffer, work, stop) =>
            {
                for (int i = 0; i < work.Files.Length; i++)
                    work.Hashes[i] = HashOf(work.Files[i], buffer, stop);
            },
            work =>
            {
                for (int i = 0; i < work.Files.Length; i++)
                {
                    FileToEncode file = work.Files[i];
                    (long, RunKey) key = (file.Size, work.Hashes[i]);
                    if (!first.TryAdd(key, file))
                        file.Same = first[key];
                }
            }, cancellation);
    }

    private static RunKey HashOf(FileToEncode file, byte[] buffer, CancellationToken stop)
    {
        if (file.Size <= buffer.Length)
        {
            Span<byte> all = buffer.AsSpan(0, (int)file.Size);
            file.Open().ReadExactly(0, all);
            return RunKey.Of(SHA256.HashData(all));
        }
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ContentSource source = file.Open();
        for (long at = 0; at < file.Size;)
        {
            stop.ThrowIfCancellationRequested();
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, file.Size - at));
            source.ReadExactly(at, part);
            hash.AppendData(part);
            at += part.Length;
        }
        return RunKey.Of(hash.GetHashAndReset());
    }
}
