namespace Swarm.Protocol.Links;

/// <summary>Float32 values in native memory from the pool. One owner.</summary>
public sealed class HiddenBuffer : IDisposable
{
    private readonly long _bytes;
    private nint _memory;

    public HiddenBuffer(int values)
    {
        Length = values;
        _bytes = (long)values * sizeof(float);
        _memory = NativePool.Rent(_bytes);
    }

    public int Length { get; }

    public unsafe Span<float> Values
    {
        get
        {
            ObjectDisposedException.ThrowIf(_memory == 0, this);
            return new Span<float>((void*)_memory, Length);
        }
    }

    public void Dispose()
    {
        nint memory = Interlocked.Exchange(ref _memory, 0);
        if (memory != 0)
            NativePool.Return(memory, _bytes);
    }
}
