using Swarm.Kernels.Codecs;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>Step 7: a packet that is arriving in parts. Its header was checked before the memory was taken.</summary>
internal sealed class StepAssembly(NodeSession session, uint epoch, Step header, ActivationCodec codec, int hidden) : IDisposable
{
    private HiddenPacket? _packet = new((int)header.Count, hidden, codec, (int)header.EncodedBytes);
    private int _filled;

    public NodeSession Session { get; } = session;

    /// <summary>The epoch that it is of.</summary>
    public uint Epoch { get; } = epoch;

    public Step Header { get; } = header;

    public bool IsComplete => _packet is not null && _filled == _packet.EncodedBytes;

    /// <summary>Takes the next part. Null when it fits; otherwise field, value and limit.</summary>
    public string? Add(TensorPart part) => _packet!.Add(part, ref _filled);

    /// <summary>Hands the complete packet over.</summary>
    public HiddenPacket Take()
    {
        HiddenPacket packet = _packet!;
        _packet = null;
        return packet;
    }

    public void Dispose()
    {
        _packet?.Dispose();
        _packet = null;
    }
}
