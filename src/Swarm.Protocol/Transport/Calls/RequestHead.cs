using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>What opens a call.</summary>
internal readonly record struct RequestHead(string Path, Metadata Headers, TimeSpan? Timeout);
