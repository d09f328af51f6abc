using Grpc.Core;

namespace Swarm.Protocol;

/// <summary>What follows from a kind of fault.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Code">The stable word of the command's <c>failed</c> event.</param>
/// <param name="Status">What a gRPC call that fails this way answers.</param>
/// <param name="Blame">Who is at fault.</param>
/// <param name="Response">What a client does.</param>
/// <param name="Cost">What it costs the peer.</param>
public sealed record FaultRule(FaultKind Kind, string Code, StatusCode Status, FaultBlame Blame, FaultResponse Response, FaultCost Cost)
{
    /// <summary>Another peer, or the same later, may well do what this one refused.</summary>
    public bool ElsewhereMayServe => Response != FaultResponse.Fail;
}
