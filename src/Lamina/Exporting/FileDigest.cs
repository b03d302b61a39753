using System.Buffers.Binary;
using System.Security.Cryptography;
using Lamina.Tree;

namespace Lamina.Exporting;

/// <summary>Digests of files as manifests have them. For one thread.</summary>
internal sealed class FileDigest
{
    private readonly DataReader _reader = new();

    /// <summary>The digest of a file's data, in hexadecimal digits.</summary>
    public string Of(Content content)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (content.Size < Manifest.HashLimit)
        {
            WholeSink sink = new(hash);
            _reader.Read(content, ref sink);
            sink.FillTo(content.Size);
        }
        else
        {
            BlockSink sink = new(hash);
            _reader.Read(content, ref sink);
            sink.Finish(content.Size);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Takes all bytes, those of holes too.</summary>
    private struct WholeSink(IncrementalHash hash) : IDataSink
    {
        private static readonly byte[] s_zeros = new byte[1 << 16];

        private long _end;

        public void Take(long offset, ReadOnlySpan<byte> bytes)
        {
            FillTo(offset);
            hash.AppendData(bytes);
            _end = offset + bytes.Length;
        }

        public void FillTo(long offset)
        {
            while (_end < offset)
            {
                int count = (int)Math.Min(offset - _end, s_zeros.Length);
                hash.AppendData(s_zeros, 0, count);
                _end += count;
            }
        }
    }

    /// <summary>
    /// Takes blocks that are not all zeros, with their numbers: the same whether zeros are stored or a hole, and however the data
    /// comes in pieces.
    /// </summary>
    private struct BlockSink(IncrementalHash hash) : IDataSink
    {
        private const int BlockSize = 4096;

        /// <summary>The block that pieces are put together in.</summary>
        private readonly byte[] _block = new byte[BlockSize];

        private long _number = -1;

        public void Take(long offset, ReadOnlySpan<byte> bytes)
        {
            while (!bytes.IsEmpty)
            {
                if (_number != offset / BlockSize)
                    Flush(BlockSize);
                _number = offset / BlockSize;
                int into = (int)(offset % BlockSize), count = Math.Min(bytes.Length, BlockSize - into);
                bytes[..count].CopyTo(_block.AsSpan(into));
                bytes = bytes[count..];
                offset += count;
            }
        }

        /// <summary>Ends a file of a size.</summary>
        public void Finish(long size) => Flush((int)Math.Min(BlockSize, size - _number * BlockSize));

        private readonly void Flush(int length)
        {
            if (_number < 0 || !_block.AsSpan().ContainsAnyExcept((byte)0))
                return;
            Span<byte> number = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(number, _number);
            hash.AppendData(number);
            hash.AppendData(_block, 0, length);
            _block.AsSpan().Clear();
        }
    }
}
