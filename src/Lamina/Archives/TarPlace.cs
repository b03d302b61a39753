using System.Text;
using System.Text.Unicode;

namespace Lamina.Archives;

/// <summary>
/// Where in an archive we are, so that a fault can name it. Names are kept as bytes: text is made only of a fault.
/// </summary>
internal sealed class TarPlace(string source)
{
    /// <summary>A message shows so much of a name: enough to find it, without a page of hostile bytes.</summary>
    private const int ShownNameLength = 200;

    private byte[] _name = new byte[512];
    private int _length;

    /// <summary>The first byte of the header at hand.</summary>
    public long Header { get; set; }

    /// <summary>The name of the entry at hand, as the archive gives it. Valid until the next name is set.</summary>
    public ReadOnlySpan<byte> Name => _name.AsSpan(0, _length);

    /// <summary>Takes over the name of the entry at hand.</summary>
    public void SetName(ReadOnlySpan<byte> name)
    {
        Reserve(name.Length);
        name.CopyTo(_name);
        _length = name.Length;
    }

    /// <summary>Takes over a name in the two parts that a ustar header has it in.</summary>
    public void SetName(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> name)
    {
        if (prefix.IsEmpty)
        {
            SetName(name);
            return;
        }
        Reserve(prefix.Length + 1 + name.Length);
        prefix.CopyTo(_name);
        _name[prefix.Length] = (byte)'/';
        name.CopyTo(_name.AsSpan(prefix.Length + 1));
        _length = prefix.Length + 1 + name.Length;
    }

    /// <summary>The archive contradicts itself at the entry at hand.</summary>
    public CorruptImageException Corrupt(string what, long? offset = null) =>
        new(source, $"entry {Show(Name)}: {what}", null, offset ?? Header);

    /// <summary>The entry at hand needs something that cannot be done.</summary>
    public UnsupportedImageException Unsupported(string feature, string? advice = null) =>
        new(source, $"entry {Show(Name)}: {feature} (byte 0x{Header:X})", advice);

    /// <summary>Bytes as a message shows them: text where they are printable, <c>\xNN</c> where not.</summary>
    public static string Show(ReadOnlySpan<byte> bytes)
    {
        bool cut = bytes.Length > ShownNameLength;
        if (cut)
            bytes = bytes[..ShownNameLength];
        StringBuilder text = new(bytes.Length);
        bool isText = Utf8.IsValid(bytes);
        foreach (byte b in isText ? [] : bytes)
            text.Append(b is > 0x20 and < 0x7F and not (byte)'\\' ? ((char)b).ToString() : $"\\x{b:X2}");
        foreach (char c in isText ? Encoding.UTF8.GetString(bytes) : "")
            text.Append(char.IsControl(c) || c == '\\' ? $"\\x{(int)c:X2}" : c.ToString());
        return cut ? text.Append("...").ToString() : text.ToString();
    }

    private void Reserve(int length)
    {
        if (length > _name.Length)
            _name = new byte[Math.Max(length, 2 * _name.Length)];
    }
}
