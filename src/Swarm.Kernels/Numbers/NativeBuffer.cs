using System.Runtime.InteropServices;

namespace Swarm.Kernels;

/// <summary>Memory outside the managed heap, aligned to 64 bytes, that only grows; its content is undefined after growing.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private nint _address;

    public NativeBuffer(long bytes = 0) => Require(bytes);

    ~NativeBuffer() => Free();

    public byte* Pointer => (byte*)_address;

    public long Bytes { get; private set; }

    /// <summary>Makes room for at least <paramref name="bytes"/>.</summary>
    public byte* Require(long bytes)
    {
        if (bytes > Bytes)
        {
            long rounded = checked(bytes + 63) & ~63L;
            Free();
            _address = (nint)NativeMemory.AlignedAlloc((nuint)rounded, 64);
            Bytes = rounded;
        }

        return Pointer;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        nint address = Interlocked.Exchange(ref _address, 0);
        Bytes = 0;
        if (address != 0)
            NativeMemory.AlignedFree((void*)address);
    }
}
