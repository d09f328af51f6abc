using System.Runtime.InteropServices;

namespace Swarm.Protocol.Links;

/// <summary>Exactly so many bytes of native memory, for what is kept long: a pool's powers of two would waste up to half. Their content is arbitrary. One owner.</summary>
public sealed unsafe class NativeBytes : IDisposable
{
    private const int Alignment = 64;
    private void* _memory;

    public NativeBytes(int length)
    {
        Length = length;
        _memory = NativeMemory.AlignedAlloc((nuint)length, Alignment);
    }

    public int Length { get; }

    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_memory is null, this);
            return new Span<byte>(_memory, Length);
        }
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
