using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>A result whose rows are arriving on a link; for none (<see cref="Step"/> null) they are passed over.</summary>
internal sealed class ResultArrival(StepResult header, uint epoch, PendingStep? step, HiddenPacket? packet) : IDisposable
{
    public StepResult Header => header;

    public uint Epoch => epoch;

    public PendingStep? Step => step;

    public HiddenPacket? Packet => packet;

    public int Filled { get; private set; }

    public bool IsComplete => (ulong)Filled == header.EncodedBytes;

    /// <summary>Takes the next part. Null when it fits; otherwise field, value and limit.</summary>
    public string? Add(TensorPart part)
    {
        if (packet is null)
        {
            Filled += part.Length;
            return (ulong)Filled > header.EncodedBytes ? $"chunk: {Filled} bytes, expected {header.EncodedBytes}" : null;
        }

        int filled = Filled;
        string? defect = packet.Add(part, ref filled);
        Filled = filled;
        return defect;
    }

    public void Dispose() => packet?.Dispose();
}
