namespace Swarm.Client;

/// <summary>Hidden states that lie in the caller's memory, [positions, hidden].</summary>
internal sealed class MemorySource(ReadOnlyMemory<float> all, int hidden) : IHiddenSource
{
    public void Read(int position, int count, Span<float> rows) => all.Span.Slice(position * hidden, count * hidden).CopyTo(rows);
}
