using System.IO.Pipelines;

namespace Swarm.Protocol.Transport;

/// <summary>Two pipes as one connection.</summary>
internal sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
{
    public PipeReader Input { get; } = input;

    public PipeWriter Output { get; } = output;
}
