using Lamina.Tree;

namespace Lamina.Archives;

/// <summary>The ways a tar archive writes numbers: octal text and base-256 in headers, decimal text in pax records.</summary>
internal static class TarNumber
{
    /// <summary>
    /// A number of a header. With the top bit of the first byte set it is binary, big-endian and signed, the other bits of that
    /// byte included (GNU's base-256); otherwise octal digits between spaces and NULs. A blank field is 0, as old archives
    /// leave fields so.
    /// </summary>
    public static bool TryReadField(ReadOnlySpan<byte> field, out long value) =>
        (field[0] & 0x80) != 0 ? TryReadBinary(field, out value) : TryReadOctal(field, out value);

    /// <summary>
    /// Octal digits, with spaces and NULs around them. What follows the digits' end is not looked at: no two tools agree.
    /// </summary>
    public static bool TryReadOctal(ReadOnlySpan<byte> field, out long value)
    {
        int at = 0;
        while (at < field.Length && field[at] is (byte)' ' or 0)
            at++;
        ulong sum = 0;
        int digits = at;
        while (at < field.Length && field[at] is >= (byte)'0' and <= (byte)'7')
            sum = (sum << 3) | (uint)(field[at++] - '0');             // at most 12 digits: 36 bits
        value = (long)sum;
        return at == field.Length || (field[at] is (byte)' ' or 0 && at > digits);
    }

    /// <summary>A decimal number, with a minus sign in front if negative, and nothing else.</summary>
    public static bool TryReadDecimal(ReadOnlySpan<byte> text, out long value)
    {
        bool negative = text.Length > 0 && text[0] == '-';
        int at = negative ? 1 : 0;
        value = 0;
        if (at == text.Length)
            return false;
        for (; at < text.Length; at++)
        {
            int digit = text[at] - '0';
            if (digit is < 0 or > 9 || value > (long.MaxValue - digit) / 10)
                return false;
            value = value * 10 + digit;
        }
        value = negative ? -value : value;
        return true;
    }

    /// <summary>The largest power of ten in a time: beyond, nothing is left that seconds in 64 bits can hold.</summary>
    private const int MaxExponent = 64;

    /// <summary>
    /// Seconds with any count of decimals, also as Python writes small and large ones (<c>1e-05</c>). What is finer than
    /// nanoseconds is rounded down, also before 1970.
    /// </summary>
    public static bool TryReadTime(ReadOnlySpan<byte> text, out Timestamp time)
    {
        time = default;
        int mark = text.IndexOfAny((byte)'e', (byte)'E');
        if (mark < 0)
            return TryReadPlainTime(text, out time);
        ReadOnlySpan<byte> power = text[(mark + 1)..];
        if (power.Length > 1 && power[0] == '+' && power[1] != '-')
            power = power[1..];
        return TryReadDecimal(power, out long exponent) && Math.Abs(exponent) <= MaxExponent
            && TryReadPlainTime(text[..mark], out _) && TryReadPlainTime(MovePoint(text[..mark], (int)exponent), out time);
    }

    /// <summary>The same number written without its power of ten.</summary>
    private static byte[] MovePoint(ReadOnlySpan<byte> number, int exponent)
    {
        bool negative = number[0] == '-';
        number = negative ? number[1..] : number;
        int dot = number.IndexOf((byte)'.');
        List<byte> digits = [.. number];
        if (dot >= 0)
            digits.RemoveAt(dot);
        int point = (dot < 0 ? number.Length : dot) + exponent;
        for (; point < 1; point++)
            digits.Insert(0, (byte)'0');
        while (digits.Count < point)
            digits.Add((byte)'0');
        digits.Insert(point, (byte)'.');
        return negative ? [(byte)'-', .. digits] : [.. digits];
    }

    private static bool TryReadPlainTime(ReadOnlySpan<byte> text, out Timestamp time)
    {
        time = default;
        int dot = text.IndexOf((byte)'.');
        ReadOnlySpan<byte> decimals = dot < 0 ? [] : text[(dot + 1)..];
        if (!TryReadDecimal(dot < 0 ? text : text[..dot], out long seconds))
            return false;
        uint nanoseconds = 0, scale = 100_000_000;
        bool finer = false;
        foreach (byte b in decimals)
        {
            if (b is < (byte)'0' or > (byte)'9')
                return false;
            nanoseconds += scale * (uint)(b - '0');
            finer |= scale == 0 && b != '0';
            scale /= 10;
        }
        if (text[0] == '-' && (nanoseconds > 0 || finer))             // -1.25 is 2 seconds back and 0.75 forward
        {
            uint back = nanoseconds + (finer ? 1u : 0u);
            seconds--;
            nanoseconds = 1_000_000_000 - back;
        }
        time = new Timestamp(seconds, nanoseconds);
        return true;
    }

    private static bool TryReadBinary(ReadOnlySpan<byte> field, out long value)
    {
        bool negative = (field[0] & 0x40) != 0;
        value = negative ? -1 : 0;
        for (int i = 0; i < field.Length; i++)
        {
            long top = value >> 55;
            if (top != (negative ? -1 : 0))                           // one more byte would push significant bits out
                return false;
            byte b = i == 0 ? (byte)(negative ? field[0] | 0x80 : field[0] & 0x7F) : field[i];
            value = (value << 8) | b;
        }
        return true;
    }
}
