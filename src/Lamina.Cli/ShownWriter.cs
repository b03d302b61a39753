using System.Text;

namespace Lamina.Cli;

/// <summary>
/// What everything printed goes through. Names of files can hold any bytes, and reach messages in many ways; what would move the
/// cursor, turn the direction of text or show nothing is written as <c>\xNN</c>. Line breaks and tabs are the program's own.
/// </summary>
/// <param name="inner">Where the text goes.</param>
/// <param name="passesColours">Whether sequences that set colours, and nothing else, are let through.</param>
internal sealed class ShownWriter(TextWriter inner, Func<bool> passesColours) : TextWriter
{
    private const char Escape = '\u001b';

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Write([value]);

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            int plain = text.IndexOfAnyExceptInRange(' ', '~');
            if (plain < 0)
                plain = text.Length;
            inner.Write(text[..plain]);
            text = text[plain..];
            if (!text.IsEmpty)
                text = text[WriteOne(text)..];
        }
    }

    public override void WriteLine(string? value) => WriteLine(value.AsSpan());

    public override void WriteLine(ReadOnlySpan<char> text)
    {
        Write(text);
        inner.Write('\n');
    }

    public override void WriteLine() => inner.Write('\n');

    public override void Flush() => inner.Flush();

    /// <summary>Writes what the text begins with; returns how much of it that is.</summary>
    private int WriteOne(ReadOnlySpan<char> text)
    {
        if (text[0] is '\n' or '\t')
        {
            inner.Write(text[0]);
            return 1;
        }
        if (text[0] == Escape && passesColours() && ColourLength(text) is > 0 and int length)
        {
            inner.Write(text[..length]);
            return length;
        }
        inner.Write(NameText.ShownFirst(text, out int count));
        return count;
    }

    /// <summary>The length of a sequence that sets colours and weight (SGR); 0 if it is another.</summary>
    private static int ColourLength(ReadOnlySpan<char> text)
    {
        if (text.Length < 3 || text[1] != '[')
            return 0;
        int end = text[2..].IndexOfAnyExcept("0123456789;");
        return end >= 0 && text[2 + end] == 'm' ? end + 3 : 0;
    }
}
