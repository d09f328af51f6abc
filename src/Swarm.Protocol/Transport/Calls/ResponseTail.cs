using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>The status and trailers that end an answer.</summary>
internal readonly record struct ResponseTail(Status Status, Metadata Trailers);
