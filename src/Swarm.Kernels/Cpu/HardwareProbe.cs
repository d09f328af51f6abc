using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Swarm.Kernels.Cpu;

/// <summary>
/// What kernels are measured against: plain reading of memory larger than the caches, and float32 multiply-adds on registers, each
/// product and sum on its own as canonical-1 has them; and products of bytes, added up as int16, which is all that the 4-bit formats would need at best.
/// </summary>
public sealed unsafe class HardwareProbe : IDisposable
{
    /// <summary>Parts of the memory that are read in turn: each reading is short, yet comes back to a part only when the caches have lost it.</summary>
    public const int Slices = 16;

    private const int MultiplyAddRounds = 20_000;
    private readonly WorkerPool _pool;
    private readonly NativeBuffer _memory;
    private readonly Action<int, int> _readPart;
    private readonly Action<int, int> _computePart;
    private readonly Action<int, int> _computeBytesPart;
    private readonly int _chunks;
    private long _sink;
    private int _slice;

    /// <param name="threads">Threads that read or compute together.</param>
    /// <param name="bytes">Memory to read; more than the last-level cache.</param>
    public HardwareProbe(int threads, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1 << 20);
        _pool = new WorkerPool(threads);
        _chunks = threads * 8;
        long unit = Slices * _chunks * 256L;
        Bytes = (bytes + unit - 1) / unit * unit;
        _memory = new NativeBuffer(Bytes);
        MemoryAdvice.LargePages(_memory.Pointer, Bytes);
        for (long offset = 0; offset < Bytes; offset += 1 << 20)
            new Span<byte>(_memory.Pointer + offset, (int)Math.Min(1 << 20, Bytes - offset)).Fill(1);
        _readPart = ReadPart;
        _computePart = ComputePart;
        _computeBytesPart = ComputeBytesPart;
    }

    /// <summary>Bytes of all slices.</summary>
    public long Bytes { get; }

    /// <summary>Bytes that one <see cref="Read"/> reads.</summary>
    public long SliceBytes => Bytes / Slices;

    /// <summary>Floating-point operations of one <see cref="Compute"/>.</summary>
    public long Operations => (long)_chunks * MultiplyAddRounds * 12 * Vector256<float>.Count * 2;

    /// <summary>Multiplications and additions of one <see cref="ComputeBytes"/>.</summary>
    public long ByteOperations => (long)_chunks * MultiplyAddRounds * 12 * Vector256<byte>.Count * 2;

    /// <summary>Reads the next slice of the memory, one after another and around; the result depends on every byte, so that no load is left out.</summary>
    public long Read()
    {
        _sink = 0;
        _slice = (_slice + 1) % Slices;
        _pool.Run(_chunks, wake: true, _readPart);
        return _sink;
    }

    /// <summary>Multiplies and adds on registers.</summary>
    public long Compute()
    {
        _sink = 0;
        _pool.Run(_chunks, wake: true, _computePart);
        return _sink;
    }

    /// <summary>Multiplies bytes on registers and adds the products as int16.</summary>
    public long ComputeBytes()
    {
        _sink = 0;
        _pool.Run(_chunks, wake: true, _computeBytesPart);
        return _sink;
    }

    public void Dispose()
    {
        _pool.Dispose();
        _memory.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadPart(int worker, int chunk)
    {
        long length = SliceBytes / _chunks;
        byte* from = _memory.Pointer + _slice * SliceBytes + chunk * length;
        Vector256<long> a = default, b = default, c = default, d = default;
        for (byte* end = from + length; from < end; from += 128)
        {
            a ^= Vector256.Load((long*)from);
            b ^= Vector256.Load((long*)(from + 32));
            c ^= Vector256.Load((long*)(from + 64));
            d ^= Vector256.Load((long*)(from + 96));
        }

        Interlocked.Add(ref _sink, Vector256.Sum((a + b) + (c + d)) + 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ComputePart(int worker, int chunk)
    {
        Vector256<float> x = Vector256.Create(1.000001f), y = Vector256.Create(chunk + 1f);
        Vector256<float> a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
        for (int round = 0; round < MultiplyAddRounds; round++)
        {
            a = a * x + y;
            b = b * x + y;
            c = c * x + y;
            d = d * x + y;
            e = e * x + y;
            f = f * x + y;
            g = g * x + y;
            h = h * x + y;
            i = i * x + y;
            j = j * x + y;
            k = k * x + y;
            l = l * x + y;
        }

        Vector256<float> sum = ((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + l));
        Interlocked.Add(ref _sink, (long)Vector256.Sum(sum));
    }

    // Each sum is the next product's factor, so that no product is left out or taken out of the loop; twelve chains hide the wait.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ComputeBytesPart(int worker, int chunk)
    {
        Vector256<byte> w = Vector256.Create((byte)(chunk & 15));
        Vector256<byte> a = w, b = w, c = w, d = w, e = w, f = w, g = w, h = w, i = w, j = w, k = w, l = w;
        for (int round = 0; round < MultiplyAddRounds; round++)
        {
            a = Width256.AddShort(a, Width256.PairsUnsigned(w, a));
            b = Width256.AddShort(b, Width256.PairsUnsigned(w, b));
            c = Width256.AddShort(c, Width256.PairsUnsigned(w, c));
            d = Width256.AddShort(d, Width256.PairsUnsigned(w, d));
            e = Width256.AddShort(e, Width256.PairsUnsigned(w, e));
            f = Width256.AddShort(f, Width256.PairsUnsigned(w, f));
            g = Width256.AddShort(g, Width256.PairsUnsigned(w, g));
            h = Width256.AddShort(h, Width256.PairsUnsigned(w, h));
            i = Width256.AddShort(i, Width256.PairsUnsigned(w, i));
            j = Width256.AddShort(j, Width256.PairsUnsigned(w, j));
            k = Width256.AddShort(k, Width256.PairsUnsigned(w, k));
            l = Width256.AddShort(l, Width256.PairsUnsigned(w, l));
        }

        Vector256<byte> sum = a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k ^ l;
        Interlocked.Add(ref _sink, Vector256.Sum(sum.AsInt32()));
    }
}
