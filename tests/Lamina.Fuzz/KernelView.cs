using System.Diagnostics;
using Lamina.Platform;
using Lamina.Reading;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Fuzz;

/// <summary>Something that the kernel or another program would not do.</summary>
/// <param name="Judge">Who.</param>
/// <param name="Call">What was asked.</param>
/// <param name="Path">Of which file, as messages show it.</param>
/// <param name="Errno">The kernel's answer, or the program's exit code.</param>
/// <param name="Said">What it said of it.</param>
internal sealed record Refusal(string Judge, string Call, string Path, int Errno, string Said)
{
    /// <summary>Whether the image's last block is not whole.</summary>
    public bool HasPartialBlock { get; init; }

    /// <summary>Whether its blocks are larger than this machine's pages, which kernels do not take.</summary>
    public bool HasLargeBlocks { get; init; }

    /// <summary>Whether a cluster index of it says a hole.</summary>
    public bool HasHoles { get; init; }

    public override string ToString() => $"{Judge} {Call} {Path}: {Errno} {Said}";
}

/// <summary>
/// Asks the kernel for all that it has of a mounted tree: names, attributes, targets and data, and notes what it does not give.
/// What is too long is left out: a sound image may say a file of 2^62 zeros.
/// </summary>
internal sealed class KernelView
{
    public const string Kernel = "Linux";

    /// <summary>Bytes at a file's start and end that are read, and of all files together.</summary>
    private const int HeadLength = 8 << 20, TailLength = 1 << 20, TotalLength = 96 << 20;

    /// <summary>Enough to know that an image is refused; the rest is more of the same.</summary>
    private const int MostRefusals = 20;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(8);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<Refusal> _refusals = [];
    private readonly byte[] _buffer = new byte[1 << 17];
    private readonly int _root;
    private long _left = TotalLength;

    private KernelView(int root) => _root = root;

    /// <summary>Reads all below a directory; gives what could not be read.</summary>
    public static List<Refusal> Read(string directory)
    {
        byte[] path = System.Text.Encoding.UTF8.GetBytes(directory);
        KernelView view = new(path.Length);
        view.Visit(path);
        return view._refusals;
    }

    private void Visit(byte[] path)
    {
        Stack<byte[]> open = new([path]);
        while (open.TryPop(out byte[]? next) && _refusals.Count < MostRefusals && _clock.Elapsed < s_patience)
        {
            FileStatus status = default;
            if (next.Length >= Native.PathLimit || !Ask("stat", next, () => status = RawFiles.Status(next)))
                continue;
            Ask("xattrs", next, () => RawFiles.Attributes(next));
            switch (status.Type)
            {
                case FileStatus.Directory:
                    Ask("list", next, () => RawFiles.ListDirectory(next)
                        .ForEach(name => open.Push([.. next, (byte)'/', .. name])));
                    break;
                case FileStatus.SymbolicLink:
                    Ask("readlink", next, () => RawFiles.LinkTarget(next));
                    break;
                case FileStatus.RegularFile:
                    Ask("read", next, () => ReadFile(next, (long)status.Size));
                    break;
            }
        }
    }

    private void ReadFile(byte[] path, long size)
    {
        using SafeFileHandle file = new(RawFiles.Open(path), true);
        ReadRun(file, 0, Math.Min(size, HeadLength));
        if (size > HeadLength)
            ReadRun(file, Math.Max(HeadLength, size - TailLength), size);
    }

    private void ReadRun(SafeFileHandle file, long from, long end)
    {
        while (from < end && _left > 0 && _clock.Elapsed < s_patience)
        {
            int count = RandomAccess.Read(file, _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, end - from)), from);
            if (count == 0)
                throw new IOException($"the file ends at {from} of {end} bytes", 0);
            from += count;
            _left -= count;
        }
    }

    private bool Ask(string call, byte[] path, Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            _refusals.Add(new Refusal(Kernel, call, ShownBytes.Of(path.AsSpan(_root)), refused.HResult, refused.Message));
            return false;
        }
    }
}
