using Lamina.Platform;

namespace Lamina.Layers;

/// <summary>Patterns of paths, by their bytes: <see cref="LayerOptions.Excludes"/> says what they mean.</summary>
internal sealed class PathPatterns
{
    private readonly List<Pattern> _patterns = [];

    /// <summary>Takes patterns over.</summary>
    /// <exception cref="ArgumentException">One is none.</exception>
    public PathPatterns(IEnumerable<string> patterns)
    {
        foreach (string text in patterns)
            _patterns.Add(new Pattern(text));
    }

    /// <summary>Whether a path, without a slash in front, fits one of them.</summary>
    public bool Fit(ReadOnlySpan<byte> path, bool isDirectory)
    {
        foreach (Pattern pattern in _patterns)
        {
            if (pattern.Fits(path, isDirectory))
                return true;
        }
        return false;
    }

    private enum Kind
    {
        /// <summary>A byte out of a set.</summary>
        Byte,

        /// <summary>Any bytes but slashes.</summary>
        Some,

        /// <summary>Any bytes.</summary>
        All,

        /// <summary>Any directories, each with its slash, or none.</summary>
        Directories,
    }

    /// <summary>
    /// One pattern. All that may have been matched so far is kept side by side, so no pattern takes long for any path.
    /// </summary>
    private sealed class Pattern
    {
        private readonly List<(Kind Kind, bool[]? Set)> _steps = [];
        private readonly bool _ofName, _ofDirectories;

        public Pattern(string text)
        {
            ReadOnlySpan<byte> rest = PathBytes.Encode(text);
            if (rest.StartsWith("!"u8))
                throw new ArgumentException($"{text}: a pattern cannot take another one back; a name that begins so is \\!NAME");
            _ofDirectories = rest.EndsWith("/"u8);
            rest = rest.TrimEnd((byte)'/');
            _ofName = rest.IndexOf((byte)'/') < 0;
            if (rest.StartsWith("./"u8))
                rest = rest[1..];
            rest = rest.TrimStart((byte)'/');
            if (rest.IsEmpty)
                throw new ArgumentException($"\"{text}\": is no pattern, it names nothing");
            while (!rest.IsEmpty)
                rest = rest[Take(rest, text)..];
        }

        public bool Fits(ReadOnlySpan<byte> path, bool isDirectory)
        {
            if (_ofDirectories && !isDirectory)
                return false;
            if (_ofName)
                path = path[(path.LastIndexOf((byte)'/') + 1)..];
            bool[] at = new bool[_steps.Count + 1], next = new bool[_steps.Count + 1];
            bool[] within = new bool[_steps.Count], nextWithin = new bool[_steps.Count];
            Reach(at, 0);
            foreach (byte value in path)
            {
                Array.Clear(next);
                Array.Clear(nextWithin);
                for (int i = 0; i < _steps.Count; i++)
                {
                    (Kind kind, bool[]? set) = _steps[i];
                    if (kind == Kind.Directories)
                    {
                        if (!at[i] && !within[i])
                            continue;
                        nextWithin[i] = true;
                        if (value == '/')
                            Reach(next, i + 1);
                    }
                    else if (at[i] && (kind == Kind.All || (kind == Kind.Some && value != '/')))
                    {
                        Reach(next, i);
                    }
                    else if (at[i] && kind == Kind.Byte && set![value])
                    {
                        Reach(next, i + 1);
                    }
                }
                (at, next) = (next, at);
                (within, nextWithin) = (nextWithin, within);
            }
            return at[^1];
        }

        /// <summary>Notes a step, and those behind it that may match nothing.</summary>
        private void Reach(bool[] at, int step)
        {
            at[step] = true;
            while (step < _steps.Count && _steps[step].Kind != Kind.Byte)
                at[++step] = true;
        }

        private int Take(ReadOnlySpan<byte> rest, string text)
        {
            switch (rest[0])
            {
                case (byte)'*' when rest.StartsWith("**/"u8):
                    _steps.Add((Kind.Directories, null));
                    return 3;
                case (byte)'*' when rest.StartsWith("**"u8):
                    _steps.Add((Kind.All, null));
                    return 2;
                case (byte)'*':
                    _steps.Add((Kind.Some, null));
                    return 1;
                case (byte)'?':
                    AddSet(value => value != '/');
                    return 1;
                case (byte)'[':
                    return TakeClass(rest, text);
                case (byte)'\\' when rest.Length > 1:
                    byte escaped = rest[1];
                    AddSet(value => value == escaped);
                    return 2;
                default:
                    byte literal = rest[0];
                    AddSet(value => value == literal);
                    return 1;
            }
        }

        private int TakeClass(ReadOnlySpan<byte> rest, string text)
        {
            int at = 1;
            bool isNot = at < rest.Length && rest[at] is (byte)'!' or (byte)'^';
            if (isNot)
                at++;
            bool[] set = new bool[256];
            for (bool isFirst = true; at < rest.Length && (isFirst || rest[at] != ']'); isFirst = false)
            {
                if (rest[at] == '\\' && at + 1 < rest.Length)
                    at++;
                byte low = rest[at++], high = low;
                if (at + 1 < rest.Length && rest[at] == '-' && rest[at + 1] != ']')
                {
                    high = rest[at + 1];
                    at += 2;
                }
                for (int value = low; value <= high; value++)
                    set[value] = true;
            }
            if (at >= rest.Length)
                throw new ArgumentException($"{text}: a [ without a ] behind it; a name that has one is \\[");
            AddSet(value => set[value] != isNot && value != '/');
            return at + 1;
        }

        private void AddSet(Predicate<byte> takes)
        {
            bool[] set = new bool[256];
            for (int value = 0; value < set.Length; value++)
                set[value] = takes((byte)value);
            _steps.Add((Kind.Byte, set));
        }
    }
}
