namespace Lamina.Archives;

/// <summary>
/// Walks the records of a pax header: <c>LENGTH KEY=VALUE</c> and a newline, the length in decimal and counting the whole record.
/// Values are bytes and may hold newlines: only the length says where a record ends.
/// </summary>
internal ref struct TarPaxRecords(TarPlace place, ReadOnlySpan<byte> bytes)
{
    private readonly TarPlace _place = place;
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>The record at hand as it stands, length and newline included.</summary>
    public ReadOnlySpan<byte> Record { get; private set; }

    public ReadOnlySpan<byte> Key { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Goes to the next record; false at the end.</summary>
    /// <exception cref="CorruptImageException">The record is not one.</exception>
    public bool MoveNext()
    {
        if (_rest.IndexOfAnyExcept((byte)0) < 0)                                       // the end, or what some writers pad with
            return false;
        ReadOnlySpan<byte> start = _rest[..Math.Min(_rest.Length, 20)];               // 19 digits are the most, and a space
        int space = start.IndexOf((byte)' ');
        if (space < 0 || !TarNumber.TryReadDecimal(_rest[..space], out long length) || length <= space || length > _rest.Length)
            throw _place.Corrupt($"a pax record begins with {TarPlace.Show(start)}, which is not its length");
        Record = _rest[..(int)length];
        _rest = _rest[(int)length..];
        ReadOnlySpan<byte> body = Record[(space + 1)..];
        int equals = body.IndexOf((byte)'=');
        if (body.IsEmpty || body[^1] != '\n' || equals < 1)
            throw _place.Corrupt($"the pax record {TarPlace.Show(Record)} is not KEY=VALUE and a newline");
        Key = body[..equals];
        Value = body[(equals + 1)..^1];
        return true;
    }
}
