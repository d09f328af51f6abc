using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>What a step brings to the first hop: hidden states as encoded, or the ids that stand for them. Shared by count, as its packet is.</summary>
internal sealed class StepInput : IDisposable
{
    private readonly int[] _ids = [];

    /// <summary>Takes over the caller's share of the packet.</summary>
    public StepInput(HiddenPacket packet)
    {
        Packet = packet;
    }

    /// <summary>Copies the ids.</summary>
    public StepInput(ReadOnlySpan<int> ids)
    {
        _ids = ids.ToArray();
    }

    /// <summary>The hidden states; null where ids stand for them.</summary>
    public HiddenPacket? Packet { get; }

    /// <summary>The first hop embeds.</summary>
    public bool IsTokens => Packet is null;

    /// <summary>One more holder.</summary>
    public StepInput Share()
    {
        Packet?.Share();
        return this;
    }

    /// <summary>Fills in the header's part.</summary>
    public void Describe(Step step)
    {
        step.EncodedBytes = (ulong)(Packet?.EncodedBytes ?? 0);
        foreach (int id in _ids)
            step.TokenIds.Add((uint)id);
    }

    /// <summary>One holder less.</summary>
    public void Dispose() => Packet?.Dispose();
}
