using Lamina.Tree;

namespace Lamina.Tests.Generators;

/// <summary>
/// Trees by dice, the same for the same seed: few names, so that layers meet; every type of file, xattrs in all namespaces,
/// marks, hard links, sizes around blocks.
/// </summary>
internal sealed class RandomTree(int seed)
{
    private const int MaxDepth = 4;

    private static readonly byte[][] s_names =
    [
        "a"u8.ToArray(), "b"u8.ToArray(), "c"u8.ToArray(), "dir"u8.ToArray(), "etc"u8.ToArray(), "lib"u8.ToArray(),
            "usr"u8.ToArray(),
        "-"u8.ToArray(), ".!"u8.ToArray(), "..a"u8.ToArray(), [0xFF, 0xFE], [0xC3, 0x28], [.. Enumerable.Repeat((byte)'n', 255)],
            "x\ny"u8.ToArray(),
    ];

    private static readonly int[] s_sizes = [0, 1, 100, 511, 512, 513, 4000, 4095, 4096, 4097, 8192, 12289, 30000];

    private readonly Random _dice = new(seed);
    private readonly List<Node> _linkable = [];

    public Node Next()
    {
        _linkable.Clear();
        return NextDirectory(0);
    }

    public int Roll(int sides) => _dice.Next(sides);

    private Node NextDirectory(int depth)
    {
        List<Entry> entries = [];
        foreach (byte[] name in s_names)
        {
            if (_dice.Next(100) < (depth == 0 ? 60 : 30))
                entries.Add(new Entry(name, NextFile(depth)));
        }
        return Grow.DirectoryOf(NextTraits(NodeType.Directory), entries);
    }

    private Node NextFile(int depth)
    {
        int kind = _dice.Next(100);
        if (kind < 35 && depth < MaxDepth)
            return NextDirectory(depth + 1);
        if (kind < 45)
            return _dice.Next(4) == 0 ? Grow.XattrWhiteout() : Grow.Whiteout();
        if (kind < 55 && _linkable.Count > 0)
            return _linkable[_dice.Next(_linkable.Count)];
        Node node = kind switch
        {
            < 75 => Grow.File(NextData(), NextTraits(NodeType.RegularFile)),
            < 85 => Grow.Make(NodeType.SymbolicLink, NextTraits(NodeType.SymbolicLink), NextTarget()),
            < 89 => Grow.Fifo(NextTraits(NodeType.Fifo)),
            < 92 => Grow.Socket(NextTraits(NodeType.Fifo)),
            < 96 => Grow.Device(NodeType.CharacterDevice, (uint)_dice.Next(1, 4096), (uint)_dice.Next(1 << 20),
                NextTraits(NodeType.Fifo)),
            _ => Grow.Device(NodeType.BlockDevice, (uint)_dice.Next(4096), (uint)_dice.Next(1 << 20), NextTraits(NodeType.Fifo)),
        };
        _linkable.Add(node);
        return node;
    }

    private byte[] NextData()
    {
        byte[] data = new byte[s_sizes[_dice.Next(s_sizes.Length)]];
        _dice.NextBytes(data);
        return data;
    }

    private byte[] NextTarget()
    {
        byte[] target = new byte[_dice.Next(8) == 0 ? _dice.Next(1, 4000) : _dice.Next(1, 30)];
        for (int i = 0; i < target.Length; i++)
            target[i] = (byte)_dice.Next(1, 256);
        return target;
    }

    private Traits NextTraits(NodeType type) => new()
    {
        Permissions = (ushort)_dice.Next(0x1000),
        UserId = NextId(),
        GroupId = NextId(),
        Modified = _dice.Next(3) switch
        {
            0 => new Timestamp(1_700_000_000, 0),
            1 => new Timestamp(_dice.NextInt64(-2_000_000_000, 9_000_000_000), (uint)_dice.Next(1_000_000_000)),
            _ => new Timestamp(1_700_000_000 + _dice.Next(100_000), 0),
        },
        Xattrs = [.. NextXattrs(type)],
    };

    private uint NextId() => _dice.Next(4) switch
    {
        0 => 70_000,
        1 => uint.MaxValue - 1,
        _ => (uint)_dice.Next(3) * 1000,
    };

    /// <summary>
    /// User attributes and ACLs only where the kernel has them. Of overlayfs's books none that would need another mount.
    /// </summary>
    private IEnumerable<(string, byte[])> NextXattrs(NodeType type)
    {
        if (_dice.Next(3) == 0)
            yield return ("trusted.note", NextValue());
        if (_dice.Next(4) == 0)
            yield return ("security.lamina", NextValue());
        if (_dice.Next(8) == 0)
            yield return ($"trusted.overlay.{(_dice.Next(2) == 0 ? "foo" : "impure")}", NextValue());
        if (_dice.Next(8) == 0)
            yield return ($"trusted.overlay.overlay.{(_dice.Next(2) == 0 ? "opaque" : "overlay.x")}", "y"u8.ToArray());
        if (type is not (NodeType.Directory or NodeType.RegularFile))
            yield break;
        if (_dice.Next(2) == 0)
            yield return ($"user.{_dice.Next(5)}", NextValue());
        if (_dice.Next(10) == 0)
            yield return ("user.overlay.foo", NextValue());
        if (_dice.Next(10) == 0)
            yield return ("system.posix_acl_access",
                Convert.FromHexString("0200000001000600ffffffff04000400ffffffff20000400ffffffff"));
        if (type == NodeType.Directory && _dice.Next(6) == 0)
            yield return ("trusted.overlay.opaque", _dice.Next(4) == 0 ? "x"u8.ToArray() : "y"u8.ToArray());
    }

    private byte[] NextValue()
    {
        byte[] value = new byte[_dice.Next(10) == 0 ? _dice.Next(3000) : _dice.Next(3)];
        _dice.NextBytes(value);
        return value;
    }
}
