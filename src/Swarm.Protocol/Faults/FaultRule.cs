using Grpc.Core;

namespace Swarm.Protocol;

/// <summary>What follows from a kind of fault.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Code">The stable word of the command's <c>failed</c> event.</param>
/// <param name="Status">What a gRPC call that fails this way answers.</param>
/// <param name="Blame">Who is at fault.</param>
/// <param name="ElsewhereMayServe">Another peer, or the same later, may well do what this one refused.</param>
public sealed record FaultRule(FaultKind Kind, string Code, StatusCode Status, FaultBlame Blame, bool ElsewhereMayServe);
