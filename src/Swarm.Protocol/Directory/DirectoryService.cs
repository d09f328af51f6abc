using Google.Protobuf;
using Grpc.Core;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>Answers <c>swarm.v1.Directory</c> from a table. Thread-safe; owns the table.</summary>
public sealed class DirectoryService(TimeProvider time, ByteString swarm, ByteString modelIdentity, Func<ReadOnlyMemory<byte>> manifest)
{
    private const int PartBytes = 60 << 10;

    private readonly Lock _lock = new();
    private readonly DirectoryTable _table = new();
    private readonly long _start = time.GetTimestamp();

    /// <summary>A peer came or went. Called outside locks.</summary>
    public event Action<PeerId, NodeAnnouncement?>? Changed;

    /// <summary>What a transport serves.</summary>
    public ServerServiceDefinition Definition() => ServerServiceDefinition.CreateBuilder()
        .AddMethod(DirectoryMethods.Register, (request, _) => Task.FromResult(Register(request)))
        .AddMethod(DirectoryMethods.Deregister, (request, _) => Task.FromResult(Deregister(request)))
        .AddMethod(DirectoryMethods.List, (request, _) => Task.FromResult(List(request)))
        .AddMethod(DirectoryMethods.GetManifest, GetManifestAsync)
        .Build();

    /// <summary>Adds announcements heard elsewhere.</summary>
    public void Merge(DirectoryList snapshot)
    {
        foreach (DirectoryEntry entry in snapshot.Entries)
            Put(entry.Announcement, TimeSpan.FromMilliseconds(entry.AgeMilliseconds));
    }

    /// <summary>Adds or renews an announcement.</summary>
    public void Put(NodeAnnouncement announcement, TimeSpan age)
    {
        DirectoryChange change;
        lock (_lock)
            change = _table.Put(announcement, age, Now);
        if (change == DirectoryChange.Added)
            Changed?.Invoke(new PeerId(announcement.Peer.Span), announcement);
    }

    /// <summary>Removes a peer at once, as after a broken link or its own farewell.</summary>
    public void Remove(PeerId peer, ulong sequence)
    {
        bool removed;
        lock (_lock)
            removed = _table.Remove(peer, sequence);
        if (removed)
            Changed?.Invoke(peer, null);
    }

    /// <summary>Drops what has outlived its time.</summary>
    public void Expire()
    {
        IReadOnlyList<PeerId> expired;
        lock (_lock)
            expired = _table.Expire(Now);
        foreach (PeerId peer in expired)
            Changed?.Invoke(peer, null);
    }

    /// <summary>What is alive.</summary>
    public DirectoryList Snapshot()
    {
        var snapshot = new DirectoryList { WireVersion = WireVersion.Current, Swarm = swarm, ModelIdentity = modelIdentity };
        lock (_lock)
            snapshot.Entries.AddRange(_table.List(Now));
        return snapshot;
    }

    private TimeSpan Now => time.GetElapsedTime(_start);

    private DirectoryList Register(RegisterRequest request)
    {
        CheckVersion(request.WireVersion);
        if (AnnouncementRules.Check(request.Announcement) is { } defect)
            throw new RpcException(new Status(StatusCode.InvalidArgument, defect));
        if (request.Announcement.ModelIdentity != modelIdentity)
        {
            throw new RpcException(new Status(
                StatusCode.NotFound,
                $"model identity: {Hex(request.Announcement.ModelIdentity)} announced, this swarm serves {Hex(modelIdentity)}"));
        }

        Put(request.Announcement, TimeSpan.Zero);
        return Snapshot();
    }

    private DeregisterResponse Deregister(DeregisterRequest request)
    {
        if (PeerId.TryRead(request.Peer, out PeerId peer))
            Remove(peer, request.Sequence);
        return new DeregisterResponse();
    }

    private DirectoryList List(ListRequest request)
    {
        CheckVersion(request.WireVersion);
        return Snapshot();
    }

    private async Task GetManifestAsync(ManifestRequest request, IServerStreamWriter<ManifestPart> parts, ServerCallContext context)
    {
        CheckVersion(request.WireVersion);
        if (request.ModelIdentity != modelIdentity)
        {
            throw new RpcException(new Status(
                StatusCode.NotFound, $"model identity: {Hex(request.ModelIdentity)} asked for, this swarm serves {Hex(modelIdentity)}"));
        }

        ReadOnlyMemory<byte> bytes = manifest();
        for (int offset = 0; offset < bytes.Length; offset += PartBytes)
        {
            ReadOnlyMemory<byte> part = bytes.Slice(offset, Math.Min(PartBytes, bytes.Length - offset));
            await parts.WriteAsync(new ManifestPart { TotalBytes = (ulong)bytes.Length, Data = UnsafeByteOperations.UnsafeWrap(part) });
        }
    }

    private static void CheckVersion(uint version)
    {
        if (version != WireVersion.Current)
            throw new RpcException(new Status(StatusCode.FailedPrecondition, $"wire version: {version}, this node has {WireVersion.Current}"));
    }

    private static string Hex(ByteString bytes) => bytes.IsEmpty ? "(none)" : Convert.ToHexStringLower(bytes.Span[..Math.Min(6, bytes.Length)]);
}
