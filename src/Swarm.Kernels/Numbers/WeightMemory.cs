using System.Runtime.InteropServices;

namespace Swarm.Kernels;

/// <summary>
/// Memory for weights in runs of large pages: the matrices of a model lie one after another, small ones too, so that reading them all translates few addresses. A
/// matrix that goes gives its memory back at once; a run is freed with its last. Safe to use from several threads.
/// </summary>
internal sealed unsafe class WeightMemory
{
    private const long RunBytes = 32 << 20;
    private readonly Lock _gate = new();
    private Run? _run;

    /// <summary>Takes memory aligned to 64 bytes; its content is undefined.</summary>
    public Slice Take(long bytes)
    {
        bytes = checked(bytes + 63) & ~63L;
        lock (_gate)
        {
            if (_run?.TryTake(bytes) is { } slice)
                return slice;

            // A matrix larger than a run has one to itself; the run in use goes on.
            Run run = new(Math.Max(bytes, RunBytes));
            if (bytes < RunBytes)
                _run = run;
            return run.TryTake(bytes)!;
        }
    }

    /// <summary>One matrix' part of a run.</summary>
    internal sealed class Slice(Run run, nint address, long bytes) : IDisposable
    {
        private nint _address = address;

        ~Slice() => Free();

        /// <summary>Null once it is disposed of.</summary>
        public byte* Pointer => (byte*)_address;

        public long Bytes { get; } = bytes;

        public void Dispose()
        {
            Free();
            GC.SuppressFinalize(this);
        }

        private void Free()
        {
            nint address = Interlocked.Exchange(ref _address, 0);
            if (address != 0)
                run.Return((byte*)address, Bytes);
        }
    }

    internal sealed class Run
    {
        private readonly Lock _gate = new();
        private readonly long _bytes;
        private byte* _start;
        private long _used;
        private int _slices;

        public Run(long bytes)
        {
            _bytes = bytes;
            _start = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, (nuint)MemoryAdvice.LargePage);
            MemoryAdvice.LargePages(_start, bytes);
        }

        /// <summary>Null where too little is left, or the run is freed.</summary>
        public Slice? TryTake(long bytes)
        {
            lock (_gate)
            {
                if (_start == null || bytes > _bytes - _used)
                    return null;
                nint address = (nint)(_start + _used);
                _used += bytes;
                _slices++;
                return new Slice(this, address, bytes);
            }
        }

        public void Return(byte* address, long bytes)
        {
            lock (_gate)
            {
                if (--_slices > 0)
                {
                    MemoryAdvice.Drop(address, bytes);
                    return;
                }

                NativeMemory.AlignedFree(_start);
                _start = null;
            }
        }
    }
}
