using System.Runtime.CompilerServices;

namespace Lamina.Compression;

/// <summary>
/// Finds a cheap way through the next bytes: for each byte, the cheapest way that is known to get there, and from there on all
/// that can follow. A copy, a literal, and a copy from the same distance is looked at as one step: where data differs in a
/// single byte, the literal alone would seem too dear.
/// </summary>
internal sealed unsafe class LzmaOptimalParser : LzmaParser
{
    /// <summary>How far it looks ahead at most.</summary>
    private const int MaxNodes = 2048;

    private struct Node
    {
        public uint Price;
        public uint Back;       // what the (first) copy of the step to here is from
        public int Length;      // of the (last) copy of the step
        public int First;       // 0: a simple step; 1: a literal first; more: a copy of that length first, and a literal
        public int State;
        public uint Distance0, Distance1, Distance2, Distance3;
    }

    private readonly LzmaChances _chances;
    private readonly LzmaPrices _prices;
    private readonly Node[] _nodeMemory = GC.AllocateArray<Node>(MaxNodes + 1, pinned: true);
    private readonly (int Length, uint Back)[] _steps = new (int, uint)[MaxNodes];
    private readonly Node* _nodes;
    private int _step;
    private int _end;           // the last node that has a price
    private int _longest;       // of the pairs, where they were looked for already

    public LzmaOptimalParser(LzmaMatches matches, LzmaSymbolWriter writer, LzmaChances chances, LzmaPrices prices, int nice)
        : base(matches, writer, nice)
    {
        _chances = chances;
        _prices = prices;
        _nodes = (Node*)Unsafe.AsPointer(ref _nodeMemory[0]);
    }

    /// <inheritdoc/>
    public override void Start(byte* source, int length)
    {
        base.Start(source, length);
        _step = MaxNodes;
    }

    /// <inheritdoc/>
    public override int Next(int at, out uint back)
    {
        if (_step == MaxNodes)
        {
            int length = Plan(at, out back);
            if (length > 0)
                return length;
        }
        (int next, back) = _steps[_step++];
        return next;
    }

    /// <summary>Takes a step right away, or makes a plan and returns 0.</summary>
    private int Plan(int at, out uint back)
    {
        int longest = Matches.At == at ? Look() : _longest;
        int limit = Math.Min(Length - at, LzmaChances.MaxCopy);
        back = LzmaStep.Literal;
        if (limit < LzmaChances.MinCopy)
            return 1;
        Node* node = _nodes;
        Writer.Distances(&node->Distance0);
        int best = 0, bestIndex = 0;
        for (int i = 0; i < 4; i++)
        {
            int common = Common(at, (&node->Distance0)[i], limit);
            if (common > best)
                (best, bestIndex) = (common, i);
        }
        if (best >= Nice)
        {
            back = (uint)bestIndex;
            Matches.Skip(best - 1);
            return best;
        }
        if (longest >= Nice)
        {
            back = Pairs[(2 * PairCount) - 1] + LzmaStep.FirstDistance;
            Matches.Skip(longest - 1);
            return longest;
        }
        if (longest < 2 && best < 2 && (at == 0 || Source[at] != Source[at - (int)node->Distance0 - 1]))
            return 1;

        _prices.Refresh();
        node->Price = 0;
        node->State = Writer.State;
        _end = 0;
        Reach(1);
        Relax(at, 0, longest);
        int current = 1;
        for (; current < _end; current++)
        {
            _longest = longest = Look();
            if (longest >= Nice)
                break;
            Arrive(current);
            Relax(at + current, current, longest);
        }
        TraceBack(current);
        return 0;
    }

    private void TraceBack(int current)
    {
        int step = MaxNodes;
        while (current > 0)
        {
            ref Node node = ref _nodes[current];
            current -= node.Length;
            if (node.First == 0)
            {
                _steps[--step] = (node.Length, node.Back);
                continue;
            }
            _steps[--step] = (node.Length, 0);
            _steps[--step] = (1, LzmaStep.Literal);
            current--;
            if (node.First > 1)
            {
                _steps[--step] = (node.First, node.Back);
                current -= node.First;
            }
        }
        _step = step;
    }

    /// <summary>Works out the state at a node, now that the cheapest way to it is settled.</summary>
    private void Arrive(int current)
    {
        Node* node = _nodes + current;
        Node* before = node - node->Length;
        uint back = node->Back;
        if (node->First == 0)
        {
            bool isAfterCopy = before->State >= LzmaChances.FirstStateAfterCopy;
            node->State = back == LzmaStep.Literal ? LzmaChances.AfterLiteral(before->State)
                : back >= LzmaStep.FirstDistance ? (isAfterCopy ? 10 : 7)
                : node->Length == 1 ? (isAfterCopy ? 11 : 9)
                : isAfterCopy ? 11 : 8;
        }
        else
        {
            before -= node->First == 1 ? 1 : node->First + 1;
            node->State = 8;
            if (node->First == 1)
                back = 0;
        }
        uint distance0 = before->Distance0, distance1 = before->Distance1, distance2 = before->Distance2;
        uint distance3 = before->Distance3;
        switch (back)
        {
            case LzmaStep.Literal or 0:
                break;
            case 1:
                (distance0, distance1) = (distance1, distance0);
                break;
            case 2:
                (distance0, distance1, distance2) = (distance2, distance0, distance1);
                break;
            case 3:
                (distance0, distance1, distance2, distance3) = (distance3, distance0, distance1, distance2);
                break;
            default:
                (distance0, distance1, distance2, distance3) = (back - LzmaStep.FirstDistance, distance0, distance1, distance2);
                break;
        }
        (node->Distance0, node->Distance1, node->Distance2, node->Distance3) = (distance0, distance1, distance2, distance3);
    }

    /// <summary>Looks at all steps from a node.</summary>
    private void Relax(int at, int current, int longest)
    {
        Node* node = _nodes + current;
        byte* here = Source + at;
        int state = node->State;
        uint position = (uint)at & (LzmaChances.Positions - 1);
        int room = Math.Min(Length - at, MaxNodes - 1 - current);
        uint value = *here;
        bool hasHint = at > 0;      // distances are never more than what is behind
        uint hint = hasHint ? *(here - node->Distance0 - 1) : 256u;
        ushort isCopy = _chances.IsCopy[(state * LzmaChances.Positions) + (int)position];

        uint asLiteral = node->Price + _prices.Of0(isCopy) + LiteralPrice(here, state, hint);
        uint asCopy = node->Price + _prices.Of1(isCopy);
        uint asRepeat = asCopy + _prices.Of1(_chances.IsRepeat[state]);
        Node* next = node + 1;
        bool isNextLiteral = false;
        if (asLiteral < next->Price)
        {
            Set(next, asLiteral, LzmaStep.Literal, 1, 0);
            isNextLiteral = true;
        }
        if (value == hint)
        {
            uint price = asRepeat + _prices.Of0(_chances.IsNotFirst[state])
                + _prices.Of0(_chances.IsLongRepeat[(state * LzmaChances.Positions) + (int)position]);
            if (price <= next->Price)
            {
                Set(next, price, 0, 1, 0);
                isNextLiteral = false;
            }
        }
        if (room < LzmaChances.MinCopy)
            return;
        if (!isNextLiteral && value != hint && hasHint)
        {
            int common = Follow(at + 1, node->Distance0, Math.Min(room - 1, Nice));
            if (common >= LzmaChances.MinCopy)
            {
                int after = LzmaChances.AfterLiteral(state);
                Offer(current + 1 + common, asLiteral + FirstRepeatPrice(after, position + 1, common), 0, common, 1);
            }
        }
        int limit = Math.Min(room, Nice);
        int shortest = RelaxRepeats(at, current, limit, room, asRepeat);
        if (longest > limit)
            longest = limit;
        if (longest >= shortest)
            RelaxCopies(at, current, longest, shortest, room, asCopy + _prices.Of0(_chances.IsRepeat[state]));
    }

    /// <summary>Looks at copies from the last distances. Returns the shortest length worth another distance.</summary>
    private int RelaxRepeats(int at, int current, int limit, int room, uint asRepeat)
    {
        Node* node = _nodes + current;
        int state = node->State;
        uint position = (uint)at & (LzmaChances.Positions - 1);
        uint* lengths = _prices.Repeats(position);
        int shortest = LzmaChances.MinCopy;
        for (int i = 0; i < 4; i++)
        {
            uint distance = (&node->Distance0)[i];
            int common = Common(at, distance, limit);
            if (common < LzmaChances.MinCopy)
                continue;
            Reach(current + common);
            uint price = asRepeat + _prices.OfRepeat(i, state, position);
            for (int length = common; length >= LzmaChances.MinCopy; length--)
            {
                uint whole = price + lengths[length];
                Node* to = node + length;
                if (whole < to->Price)
                    Set(to, whole, (uint)i, length, 0);
            }
            if (i == 0)
                shortest = common + 1;
            int after = state >= LzmaChances.FirstStateAfterCopy ? 11 : 8;
            RelaxBehind(at, current, common, distance, room, price + lengths[common], after, (uint)i);
        }
        return shortest;
    }

    /// <summary>Looks at copies from other distances: for each length the nearest.</summary>
    private void RelaxCopies(int at, int current, int longest, int shortest, int room, uint asCopy)
    {
        Node* node = _nodes + current;
        uint* lengths = _prices.Copies((uint)at & (LzmaChances.Positions - 1));
        uint* pair = Pairs;
        int after = node->State >= LzmaChances.FirstStateAfterCopy ? 10 : 7;
        Reach(current + longest);
        while ((int)pair[0] < shortest)
            pair += 2;
        for (int length = shortest; ;)
        {
            uint distance = pair[1];
            int last = Math.Min((int)pair[0], longest);
            uint price = 0;
            uint back = distance + LzmaStep.FirstDistance;
            for (; length <= last; length++)
            {
                price = asCopy + lengths[length] + _prices.OfDistance(distance, length);
                Node* to = node + length;
                if (price < to->Price)
                    Set(to, price, back, length, 0);
            }
            RelaxBehind(at, current, last, distance, room, price, after, back);
            if (last == longest)
                return;
            pair += 2;
        }
    }

    /// <summary>Looks at a literal behind a copy, and the same copy going on behind that.</summary>
    private void RelaxBehind(
        int at, int current, int length, uint distance, int room, uint price, int state, uint back)
    {
        int behind = length + 1;
        if (room < behind + LzmaChances.MinCopy)
            return;
        int common = Follow(at + behind, distance, Math.Min(room - behind, Nice));
        if (common < LzmaChances.MinCopy)
            return;
        byte* literal = Source + at + length;
        uint position = (uint)(at + length) & (LzmaChances.Positions - 1);
        price += _prices.Of0(_chances.IsCopy[(state * LzmaChances.Positions) + (int)position])
            + _prices.OfLiteral(_chances.LiteralsAfter(literal[-1]), *literal, *(literal - distance - 1))
            + FirstRepeatPrice(LzmaChances.AfterLiteral(state), position + 1, common);
        Offer(current + behind + common, price, back, common, length);
    }

    /// <summary>As <see cref="LzmaParser.Common"/>, for a distance that is known to be within the data.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Follow(int at, uint distance, int limit)
    {
        if (limit < LzmaChances.MinCopy)
            return 0;
        byte* here = Source + at, there = here - distance - 1;
        return Unsafe.ReadUnaligned<ushort>(here) == Unsafe.ReadUnaligned<ushort>(there)
            ? LzmaMatches.Common(here, there, 2, limit) : 0;
    }

    /// <summary>The price of a copy from the last distance, all of it.</summary>
    private uint FirstRepeatPrice(int state, uint position, int length)
    {
        position &= LzmaChances.Positions - 1;
        return _prices.Of1(_chances.IsCopy[(state * LzmaChances.Positions) + (int)position])
            + _prices.Of1(_chances.IsRepeat[state])
            + _prices.OfRepeat(0, state, position) + _prices.Repeats(position)[length];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint LiteralPrice(byte* here, int state, uint hint)
    {
        ushort* literals = _chances.LiteralsAfter(here == Source ? 0u : here[-1]);
        return state >= LzmaChances.FirstStateAfterCopy
            ? _prices.OfLiteral(literals, *here, hint)
            : _prices.OfLiteral(literals, *here);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Offer(int to, uint price, uint back, int length, int first)
    {
        Reach(to);
        if (price < _nodes[to].Price)
            Set(_nodes + to, price, back, length, first);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Set(Node* node, uint price, uint back, int length, int first)
    {
        node->Price = price;
        node->Back = back;
        node->Length = length;
        node->First = first;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Reach(int node)
    {
        while (_end < node)
            _nodes[++_end].Price = LzmaPrices.Infinite;
    }
}
