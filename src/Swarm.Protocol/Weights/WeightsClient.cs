using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Weights;

/// <summary>Asks a peer for parts of a model. Failures are <see cref="SwarmException"/>s that name the peer.</summary>
public sealed class WeightsClient(ITransport transport, TimeProvider time)
{
    /// <summary>Asks for ranges; ends when the peer has answered all of them.</summary>
    /// <param name="peer">Whom.</param>
    /// <param name="ranges">Within the limits of a request.</param>
    /// <param name="received">Given each part as it comes: the range's index, the whole's length, the bytes.</param>
    /// <param name="notHeld">Told each range that the peer has not.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="SwarmException">NoCapacity: it is busy. PeerUnreachable, PeerLost, PeerStalled, VersionMismatch, InvalidArgument, ProtocolViolation.</exception>
    public async Task FetchAsync(
        PeerEndpoint peer, IReadOnlyList<BlobRange> ranges, Action<int, long, ReadOnlyMemory<byte>> received, Action<int> notHeld, CancellationToken cancellationToken)
    {
        var request = new FetchRequest { WireVersion = WireVersion.Current };
        request.Ranges.AddRange(ranges);
        using var late = new CancellationTokenSource(WeightsLimits.Stall, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        bool began = false;
        int range = 0;
        long bytes = 0;
        try
        {
            using AsyncServerStreamingCall<FetchPart> call = transport.Connect(peer, ConnectionClass.Bulk)
                .AsyncServerStreamingCall(WeightsMethods.Fetch, null, new CallOptions(cancellationToken: both.Token), request);
            while (await call.ResponseStream.MoveNext(both.Token))
            {
                began = true;
                late.CancelAfter(WeightsLimits.Stall);
                FetchPart part = call.ResponseStream.Current;
                if (FetchRules.Check(request, part, range, bytes) is { } defect)
                    throw new SwarmException(FaultKind.ProtocolViolation, $"{peer}: {defect}", peer.Peer);
                bytes = part.Range == range ? bytes : 0;
                range = (int)part.Range;
                if (part.Fault is not null)
                {
                    notHeld(range);
                    continue;
                }

                received(range, (long)Math.Min(part.TotalBytes, long.MaxValue), part.Data.Memory);
                bytes += part.Data.Length;
            }
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
        {
            throw new SwarmException(FaultKind.NoCapacity, $"{peer}: {exception.Status.Detail}", peer.Peer, inner: exception);
        }
        catch (Exception exception) when (exception is RpcException or IOException or OperationCanceledException or ObjectDisposedException or InvalidProtocolBufferException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (late.IsCancellationRequested)
                throw new SwarmException(FaultKind.PeerStalled, $"{peer}: nothing came for {WeightsLimits.Stall.TotalSeconds:0} s", peer.Peer, inner: exception);
            throw RpcFaults.Translate(exception, peer, began ? FaultKind.PeerLost : FaultKind.PeerUnreachable);
        }
    }

    /// <summary>The whole of something small, checked.</summary>
    /// <param name="peer">Whom to ask.</param>
    /// <param name="sha256">32 bytes.</param>
    /// <param name="mostBytes">What is longer is refused.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="SwarmException">TensorNotHeld, WrongTensor, and as <see cref="FetchAsync"/>.</exception>
    public async Task<byte[]> FetchWholeAsync(PeerEndpoint peer, ByteString sha256, long mostBytes, CancellationToken cancellationToken)
    {
        var bytes = new MemoryStream();
        long? length = null;
        bool held = true;
        do
        {
            long before = bytes.Length;
            var range = new BlobRange { Sha256 = sha256, Offset = (ulong)before, Length = WeightsLimits.MaxRequestBytes };
            await FetchAsync(
                peer, [range],
                (_, total, data) =>
                {
                    length ??= total;
                    if (total != length || total > mostBytes)
                        throw new SwarmException(FaultKind.ProtocolViolation, $"{peer}: {total} bytes of {Short(sha256)}, expected the same in all parts and at most {mostBytes}", peer.Peer);
                    bytes.Write(data.Span);
                },
                _ => held = false, cancellationToken);
            if (!held)
                throw new SwarmException(FaultKind.TensorNotHeld, $"{peer}: {Short(sha256)} is not there", peer.Peer);
            if (bytes.Length == before)
                throw new SwarmException(FaultKind.ProtocolViolation, $"{peer}: no bytes of {Short(sha256)} at {before}", peer.Peer);
        }
        while (bytes.Length < length);

        byte[] whole = bytes.ToArray();
        byte[] seen = SHA256.HashData(whole);
        return sha256.Span.SequenceEqual(seen)
            ? whole
            : throw new SwarmException(FaultKind.WrongTensor, $"{peer}: what came as {Short(sha256)} has SHA-256 {Convert.ToHexStringLower(seen)[..12]}", peer.Peer);
    }

    private static string Short(ByteString sha256) => Convert.ToHexStringLower(sha256.Span)[..12];
}
