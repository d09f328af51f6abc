using Google.Protobuf;
using Grpc.Core;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>Asks a peer's directory. Every call has a time limit; failures are <see cref="SwarmException"/>s that name the address.</summary>
public sealed class DirectoryClient(ITransport transport, TimeProvider time, TimeSpan patience)
{
    /// <summary>Announces this node and learns what the peer knows.</summary>
    public Task<DirectoryList> RegisterAsync(PeerAddress address, NodeAnnouncement announcement, CancellationToken cancellationToken) =>
        CallAsync(address, DirectoryMethods.Register, new RegisterRequest { WireVersion = WireVersion.Current, Announcement = announcement }, cancellationToken);

    /// <summary>Takes this node's announcement back.</summary>
    public Task DeregisterAsync(PeerAddress address, PeerId peer, ulong sequence, CancellationToken cancellationToken) =>
        CallAsync(address, DirectoryMethods.Deregister, new DeregisterRequest { Peer = peer.ToByteString(), Sequence = sequence }, cancellationToken);

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

    /// <summary>What the peer knows.</summary>
    public async Task<DirectoryList> ListAsync(PeerAddress address, CancellationToken cancellationToken)
    {
        DirectoryList snapshot = await CallAsync(
            address, DirectoryMethods.List, new ListRequest { WireVersion = WireVersion.Current }, cancellationToken);
        return Check(address, snapshot);
    }

    /// <summary>The manifest of a model, as the peer has it; the caller checks it against the identity.</summary>
    public async Task<byte[]> GetManifestAsync(PeerEndpoint address, ByteString modelIdentity, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            using AsyncServerStreamingCall<ManifestPart> call = transport.Connect(address, ConnectionClass.Bulk).AsyncServerStreamingCall(
                DirectoryMethods.GetManifest, null, new CallOptions(cancellationToken: both.Token),
                new ManifestRequest { WireVersion = WireVersion.Current, ModelIdentity = modelIdentity });
            var bytes = new MemoryStream();
            while (await call.ResponseStream.MoveNext(both.Token))
            {
                ManifestPart part = call.ResponseStream.Current;
                if (part.TotalBytes > ChainLimits.MaxManifestBytes || bytes.Length + part.Data.Length > (long)part.TotalBytes)
                {
                    throw new SwarmException(
                        FaultKind.ProtocolViolation, $"{address}: manifest of {part.TotalBytes} bytes, expected at most {ChainLimits.MaxManifestBytes} and no more than it declares");
                }

                bytes.Write(part.Data.Span);
            }

            return bytes.ToArray();
        }
        catch (Exception exception) when (exception is RpcException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw RpcFaults.Translate(exception, address, FaultKind.PeerUnreachable);
        }
    }

    /// <summary>Checks a list that came from elsewhere: sound announcements stay, others are left out.</summary>
    public static DirectoryList Check(PeerAddress address, DirectoryList snapshot)
    {
        if (snapshot.WireVersion != WireVersion.Current)
        {
            throw new SwarmException(
                FaultKind.VersionMismatch, $"{address}: wire version {snapshot.WireVersion}, this program has {WireVersion.Current}");
        }

        for (int index = snapshot.Entries.Count - 1; index >= 0; index--)
        {
            if (index >= ChainLimits.MaxAnnouncements || AnnouncementRules.Check(snapshot.Entries[index].Announcement) is not null)
                snapshot.Entries.RemoveAt(index);
        }

        return snapshot;
    }

    private async Task<TResponse> CallAsync<TRequest, TResponse>(
        PeerAddress address, Method<TRequest, TResponse> method, TRequest request, CancellationToken cancellationToken)
        where TRequest : class
        where TResponse : class
    {
        using var late = new CancellationTokenSource(patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            using AsyncUnaryCall<TResponse> call = transport.Connect(address, ConnectionClass.Decode)
                .AsyncUnaryCall(method, null, new CallOptions(cancellationToken: both.Token), request);
            return await call.ResponseAsync;
        }
        catch (Exception exception) when (exception is RpcException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw RpcFaults.Translate(exception, address, FaultKind.PeerUnreachable);
        }
    }
}
