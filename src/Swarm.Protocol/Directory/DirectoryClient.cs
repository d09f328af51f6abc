using Google.Protobuf;
using Grpc.Core;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>Asks a node's directory service. Every call has a time limit; failures are <see cref="SwarmException"/>s that name the peer.</summary>
public sealed class DirectoryClient(ITransport transport, TimeProvider time, TimeSpan patience)
{
    /// <summary>Tells a node of changes and hears of others.</summary>
    /// <exception cref="SwarmException">PeerUnreachable, VersionMismatch, InvalidArgument.</exception>
    public async Task<ExchangeResponse> ExchangeAsync(PeerEndpoint peer, ExchangeRequest request, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            using AsyncUnaryCall<ExchangeResponse> call = transport.Connect(peer, ConnectionClass.Decode)
                .AsyncUnaryCall(DirectoryMethods.Exchange, null, new CallOptions(cancellationToken: both.Token), request);
            ExchangeResponse response = await call.ResponseAsync;
            return response.WireVersion == WireVersion.Current
                ? response
                : throw new SwarmException(FaultKind.VersionMismatch, $"{peer}: wire version {response.WireVersion}, this program has {WireVersion.Current}", peer.Peer);
        }
        catch (Exception exception) when (exception is RpcException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw RpcFaults.Translate(exception, peer, FaultKind.PeerUnreachable);
        }
    }

    /// <summary>The manifest of a model, as the node has it; the caller checks it against the identity.</summary>
    /// <exception cref="SwarmException">PeerUnreachable, VersionMismatch, ModelMismatch, ProtocolViolation.</exception>
    public async Task<byte[]> GetManifestAsync(PeerEndpoint peer, ByteString modelIdentity, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            using AsyncServerStreamingCall<ManifestPart> call = transport.Connect(peer, ConnectionClass.Bulk).AsyncServerStreamingCall(
                DirectoryMethods.GetManifest, null, new CallOptions(cancellationToken: both.Token),
                new ManifestRequest { WireVersion = WireVersion.Current, ModelIdentity = modelIdentity });
            var bytes = new MemoryStream();
            while (await call.ResponseStream.MoveNext(both.Token))
            {
                ManifestPart part = call.ResponseStream.Current;
                if (part.TotalBytes > ChainLimits.MaxManifestBytes || bytes.Length + part.Data.Length > (long)part.TotalBytes)
                {
                    throw new SwarmException(
                        FaultKind.ProtocolViolation, $"{peer}: manifest of {part.TotalBytes} bytes, expected at most {ChainLimits.MaxManifestBytes} and no more than it declares");
                }

                bytes.Write(part.Data.Span);
            }

            return bytes.ToArray();
        }
        catch (Exception exception) when (exception is RpcException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw RpcFaults.Translate(exception, peer, FaultKind.PeerUnreachable);
        }
    }
}
