using System.Buffers.Binary;
using System.Globalization;
using Lamina.Format;

namespace Lamina.Fuzz;

/// <summary>
/// A changed image: number <see cref="Index"/> of a seed is the same on every machine. Most changes hit structures; some are
/// noise, or cut the file off.
/// </summary>
/// <param name="Index">Its number.</param>
/// <param name="Subject">What was changed.</param>
/// <param name="Bytes">The changed bytes.</param>
/// <param name="Changes">What was changed, for people.</param>
internal sealed record Mutation(int Index, Subject Subject, byte[] Bytes, string Changes)
{
    private const int MaxChanges = 4, MaxNoise = 64;

    private static readonly ulong[] s_values =
    [
        0, 1, 2, 3, 4, 7, 8, 0x7F, 0x80, 0xFF, 0x7FF, 0x800, 0xFFF, 0x1000, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0xFF_FFFF,
        0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x1_0000_0000, 0xFFFF_FFFF_FFFF, 1UL << 40, 1UL << 62, 1UL << 63,
        (1UL << 63) - 1, ulong.MaxValue - 1, ulong.MaxValue,
    ];

    /// <summary>The dice that a number is thrown with; what comes behind the mutation may go on with them.</summary>
    public static Random DiceOf(int seed, int index) => new(unchecked((int)((uint)seed * 2654435761) + index * 40503));

    /// <summary>Makes the mutation.</summary>
    public static Mutation Make(Subject[] subjects, int index, Random dice)
    {
        // By turns, but small images more often than large ones: they are as rich in structures, and soon done.
        Subject subject = subjects[dice.Next(3) == 0 ? dice.Next(subjects.Length) : dice.Next((subjects.Length + 1) / 2)];
        byte[] bytes = (byte[])subject.Bytes.Clone();
        List<string> changes = [];
        for (int i = 1 + dice.Next(MaxChanges); i > 0; i--)
            changes.Add(Change(bytes, subject, dice));
        if (dice.Next(24) == 0)
        {
            int length = dice.Next(2) == 0 ? dice.Next(bytes.Length) : bytes.Length - 1 - dice.Next(Math.Min(bytes.Length, 4096));
            bytes = bytes[..Math.Max(length, 0)];
            changes.Add($"cut to {length}");
            if (!subject.IsTar && dice.Next(2) == 0)
                AdmitLength(bytes, changes);
        }
        if (dice.Next(16) != 0)
            Sum(bytes, subject);
        return new Mutation(index, subject, bytes, string.Join("; ", changes));
    }

    private static string Change(byte[] bytes, Subject subject, Random dice)
    {
        if (dice.Next(16) == 0)
        {
            Span<byte> noise = Run(bytes, dice.Next(bytes.Length), 1 + dice.Next(MaxNoise), out int where);
            dice.NextBytes(noise);
            return $"{noise.Length} random bytes at 0x{where:x}";
        }
        Place[] kind = subject.Kinds[dice.Next(subject.Kinds.Length)];
        Place place = kind[dice.Next(kind.Length)];
        int at = place.At + dice.Next(place.Length);
        int size = 1 << dice.Next(4);
        if (dice.Next(4) != 0)
            at &= ~(size - 1);
        Span<byte> field = Run(bytes, at, size, out at);
        switch (dice.Next(7))
        {
            case 0:
                dice.NextBytes(field);
                break;
            case 1:
                field[dice.Next(field.Length)] ^= (byte)(1 << dice.Next(8));
                break;
            case 2:                                 // one more or less: the edges of what is allowed
                field[0] += (byte)(dice.Next(2) == 0 ? 1 : -1);
                break;
            case 3:                                 // what is right elsewhere: a number of another inode, another's layout
                Place other = kind[dice.Next(kind.Length)];
                int into = Math.Min(at - place.At, other.Length - field.Length);
                if (into >= 0)
                    bytes.AsSpan(other.At + into, field.Length).CopyTo(field);
                break;
            case 4 when field.Length >= 4:          // another structure of the image as a whole
                Place whole = kind[dice.Next(kind.Length)];
                int length = Math.Min(place.Length, whole.Length);
                bytes.AsSpan(whole.At, length).CopyTo(bytes.AsSpan(place.At));
                return $"{place.Kind} at 0x{place.At:x} = 0x{whole.At:x}";
            default:
                Span<byte> value = stackalloc byte[sizeof(ulong)];
                BinaryPrimitives.WriteUInt64LittleEndian(value, s_values[dice.Next(s_values.Length)]);
                value[..field.Length].CopyTo(field);
                break;
        }
        return string.Create(CultureInfo.InvariantCulture, $"{place.Kind} 0x{at:x} = {Convert.ToHexStringLower(field)}");
    }

    private static Span<byte> Run(byte[] bytes, int at, int length, out int where)
    {
        where = Math.Clamp(at, 0, bytes.Length - 1);
        return bytes.AsSpan(where, Math.Min(length, bytes.Length - where));
    }

    /// <summary>Makes the superblock say the length that the file now has: what is missing is found out later then.</summary>
    private static void AdmitLength(byte[] bytes, List<string> changes)
    {
        if (bytes.Length < SuperBlock.Offset + SuperBlock.BaseSize)
            return;
        int bits = bytes[SuperBlock.Offset + 12];
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(SuperBlock.Offset + 36), bytes.Length >> bits);
        changes.Add("and said so");
    }

    private static void Sum(byte[] bytes, Subject subject)
    {
        if (!subject.IsTar)
        {
            Subject.Sum(bytes);
            return;
        }
        foreach (Place header in subject.Places.Where(header => header.At + TarBlock.Size <= bytes.Length))
            TarBlock.Sum(bytes.AsSpan(header.At, TarBlock.Size));
    }
}
