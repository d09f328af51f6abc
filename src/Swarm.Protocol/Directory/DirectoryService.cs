using Google.Protobuf;
using Grpc.Core;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>Answers <c>swarm.v1.Directory</c> of a node: the manifest of its model, and exchanges with others who keep a directory. Thread-safe.</summary>
public sealed class DirectoryService
{
    private const int PartBytes = 60 << 10;

    private volatile SwarmDirectory? _directory;
    private volatile Offer? _offer;

    /// <summary>What a transport serves.</summary>
    public ServerServiceDefinition Definition() => ServerServiceDefinition.CreateBuilder()
        .AddMethod(DirectoryMethods.GetManifest, GetManifestAsync)
        .AddMethod(DirectoryMethods.Exchange, (request, context) => Task.FromResult(Exchange(request, context.GetPeer())))
        .Build();

    /// <summary>From now on exchanges are answered from this directory.</summary>
    public void Serve(SwarmDirectory directory) => _directory = directory;

    /// <summary>From now on the manifest is handed out.</summary>
    /// <param name="modelIdentity">32 bytes.</param>
    /// <param name="manifest">At most <see cref="ChainLimits.MaxManifestBytes"/>.</param>
    public void Serve(ByteString modelIdentity, ReadOnlyMemory<byte> manifest) => _offer = new Offer(modelIdentity, manifest);

    private ExchangeResponse Exchange(ExchangeRequest request, PeerId caller)
    {
        CheckVersion(request.WireVersion);
        SwarmDirectory directory = _directory ?? throw new RpcException(new Status(StatusCode.Unavailable, "this node is still joining"));
        if (!directory.Admits(caller))
            throw new RpcException(new Status(StatusCode.ResourceExhausted, "exchanges: more than one caller's share"));
        return directory.Answer(caller, request, out ExchangeResponse response) is { } defect
            ? throw new RpcException(new Status(StatusCode.InvalidArgument, defect))
            : response;
    }

    private async Task GetManifestAsync(ManifestRequest request, IServerStreamWriter<ManifestPart> parts, ServerCallContext context)
    {
        CheckVersion(request.WireVersion);
        Offer? offer = _offer;
        if (offer is null || request.ModelIdentity != offer.ModelIdentity)
        {
            throw new RpcException(new Status(
                StatusCode.NotFound, $"model identity: {Hex(request.ModelIdentity)} asked for, this node serves {Hex(offer?.ModelIdentity ?? ByteString.Empty)}"));
        }

        for (int offset = 0; offset < offer.Manifest.Length; offset += PartBytes)
        {
            ReadOnlyMemory<byte> part = offer.Manifest.Slice(offset, Math.Min(PartBytes, offer.Manifest.Length - offset));
            await parts.WriteAsync(new ManifestPart { TotalBytes = (ulong)offer.Manifest.Length, Data = UnsafeByteOperations.UnsafeWrap(part) });
        }
    }

    private static void CheckVersion(uint version)
    {
        if (version != WireVersion.Current)
            throw new RpcException(new Status(StatusCode.FailedPrecondition, $"wire version: {version}, this node has {WireVersion.Current}"));
    }

    private static string Hex(ByteString bytes) => bytes.IsEmpty ? "(none)" : Convert.ToHexStringLower(bytes.Span[..Math.Min(6, bytes.Length)]);

    private sealed record Offer(ByteString ModelIdentity, ReadOnlyMemory<byte> Manifest);
}
