using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>The first headers of an answer. With a status they are also the last: trailers only.</summary>
internal readonly record struct ResponseHead(Metadata Headers, Status? Status);
