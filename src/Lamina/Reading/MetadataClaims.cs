using Lamina.Format;

namespace Lamina.Reading;

/// <summary>
/// Which bytes of the metadata belong to which inode. In a sound image no two inodes overlap, so all that inodes claim
/// together is no more than the image; where they may overlap, an image of a megabyte can claim gigabytes of tables.
/// </summary>
/// <remarks>
/// Kept in bits, one for each slot of 32 bytes, in pages made when needed: metadata are a small part of most images.
/// </remarks>
internal sealed class MetadataClaims
{
    private const int PageBits = 12, WordBits = 6, WordsPerPage = 1 << (PageBits - WordBits);

    private readonly Dictionary<long, Page> _pages = [];
    private readonly Lock _lock = new();
    private long _total;
    private long _lastNumber = -1;
    private Page _last = new();

    private sealed class Page
    {
        public readonly ulong[] Taken = new ulong[WordsPerPage];
        public readonly ulong[] InodeStarts = new ulong[WordsPerPage];
        private ulong[]? _tableStarts, _counted;

        /// <summary>Made when first needed: images are many, and tables and directories in few places.</summary>
        public ulong[] TableStarts => _tableStarts ??= new ulong[WordsPerPage];

        public ulong[] Counted => _counted ??= new ulong[WordsPerPage];
    }

    /// <summary>
    /// Claims an inode's record with what stands next to it. Claiming the same once more does nothing; false if another has part
    /// of it.
    /// </summary>
    public bool TryClaimInode(long start, long end) => TryClaim(start, end, isTable: false);

    /// <summary>Claims the table behind an inode: what shares a slot with the inode is claimed by it already.</summary>
    public bool TryClaimTable(long start, long end) => TryClaim(start, end, isTable: true);

    /// <summary>Adds an inode's bytes to the total of those whose data are taken into memory, once; returns the total.</summary>
    public long Count(long start, long bytes)
    {
        long slot = start >> InodeRecord.SlotBits;
        lock (_lock)
        {
            ref ulong counted = ref PageOf(slot).Counted[WordOf(slot)];
            if ((counted & Bit(slot)) == 0)
                _total = _total > long.MaxValue - bytes ? long.MaxValue : _total + bytes;
            counted |= Bit(slot);
            return _total;
        }
    }

    private bool TryClaim(long start, long end, bool isTable)
    {
        const int slot = 1 << InodeRecord.SlotBits;
        long first = (start + slot - 1) >> InodeRecord.SlotBits, behind = (end + slot - 1) >> InodeRecord.SlotBits;
        if (first >= behind)
            return true;
        lock (_lock)
        {
            Page page = PageOf(first);
            ref ulong starts = ref (isTable ? page.TableStarts : page.InodeStarts)[WordOf(first)];
            if ((starts & Bit(first)) != 0)
                return true;
            // All or nothing: what was refused is refused again the next time, and stands in nobody else's way.
            for (long at = first; at < behind; at = NextWord(at, behind))
            {
                if ((PageOf(at).Taken[WordOf(at)] & MaskOf(at, behind)) != 0)
                    return false;
            }
            for (long at = first; at < behind; at = NextWord(at, behind))
                PageOf(at).Taken[WordOf(at)] |= MaskOf(at, behind);
            starts |= Bit(first);
            return true;
        }
    }

    private static long NextWord(long slot, long behind) => Math.Min((slot | 63) + 1, behind);

    /// <summary>The slots of a run that are in the word of its first one.</summary>
    private static ulong MaskOf(long slot, long behind) =>
        ulong.MaxValue << (int)(slot & 63) & ulong.MaxValue >> (int)(-NextWord(slot, behind) & 63);

    private static int WordOf(long slot) => (int)(slot >> WordBits) & (WordsPerPage - 1);

    private static ulong Bit(long slot) => 1UL << (int)(slot & 63);

    private Page PageOf(long slot)
    {
        long number = slot >> PageBits;
        if (number == _lastNumber)
            return _last;
        if (!_pages.TryGetValue(number, out Page? page))
            _pages.Add(number, page = new Page());
        (_lastNumber, _last) = (number, page);
        return page;
    }
}
