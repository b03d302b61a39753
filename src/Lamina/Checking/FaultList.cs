using Lamina.Reading;

namespace Lamina.Checking;

/// <summary>Collects faults from several threads; the order of the report is that of the files, not of finding.</summary>
internal sealed class FaultList(ErofsImage image, int limit)
{
    private readonly List<(long File, int Number, ImageFault Fault)> _faults = [];
    private readonly Lock _lock = new();
    private volatile bool _isFull;

    /// <summary>Whether nothing was found so far.</summary>
    public bool IsEmpty => _faults.Count == 0;

    /// <summary>Whether there were more faults than are kept; looking for further ones is in vain.</summary>
    public bool IsFull => _isFull;

    /// <summary>Notes a fault.</summary>
    /// <param name="file">The place of the file in the walk; 0 for the image as a whole.</param>
    /// <param name="fault">The fault.</param>
    public void Add(long file, ImageFault fault)
    {
        lock (_lock)
        {
            if (_faults.Count >= limit)
                _isFull = true;
            else
                _faults.Add((file, _faults.Count, fault));
        }
    }

    /// <summary>Runs what may find the image's bytes wrong; false if it did.</summary>
    public bool Try(CheckedFile file, Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (CorruptImageException corrupt)
        {
            Add(file, corrupt);
        }
        catch (UnsupportedImageException unsupported)
        {
            Add(file, unsupported.Feature, null);
        }
        return false;
    }

    public void Add(CheckedFile file, CorruptImageException corrupt)
    {
        // What stands in another file, a device, is not found by its offset alone.
        bool isOwn = corrupt.File == image.Name;
        Add(file, isOwn ? corrupt.What : corrupt.Message, isOwn ? corrupt.Offset : null);
    }

    public void Add(CheckedFile file, string message, long? offset, FaultSeverity severity = FaultSeverity.Error)
    {
        if (!_isFull)
            Add(file.Number, new ImageFault(severity, file.Nid, file.Path(), offset, message));
    }

    /// <summary>The faults in order.</summary>
    public (ImageFault[] Faults, bool IsComplete) ToReport()
    {
        _faults.Sort(static (a, b) => a.File != b.File ? a.File.CompareTo(b.File) : a.Number.CompareTo(b.Number));
        return ([.. _faults.Select(one => one.Fault)], !_isFull);
    }
}
