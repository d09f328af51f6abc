using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>The status and trailers that end an answer. A class, so that one thread may settle a call while another looks.</summary>
internal sealed record ResponseTail(Status Status, Metadata Trailers);
