using Microsoft.Win32.SafeHandles;

namespace Lamina.Platform;

/// <summary>Keeps what comes through a pipe, which can be read once, as a file that can be read anywhere.</summary>
internal static class Spool
{
    private const int BufferSize = 1 << 20;

    /// <summary>Reads a pipe to its end into a file that has no name and is gone when its handle is closed.</summary>
    /// <param name="path">The pipe.</param>
    /// <param name="beside">A file beside which there is room.</param>
    public static SafeFileHandle ToUnnamedFile(string path, string beside)
    {
        using FileStream pipe = new(OutputPlace.OpenExisting(path, Native.OpenReadOnly), FileAccess.Read, 0);
        OutputPlace place = OutputPlace.OpenAside(beside);
        try
        {
            byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferSize);
            long position = 0;
            for (int count; (count = pipe.Read(buffer)) > 0; position += count)
                RandomAccess.Write(place.Handle, buffer.AsSpan(0, count), position);
            return place.Handle;
        }
        catch (IOException failure)
        {
            place.Dispose();
            throw new IOException($"{path}: what comes through it is kept in {HostFile.Parts(beside).Folder}: {failure.Message}",
                failure.HResult);
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }
}
