using Swarm.Protocol.Dht;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Tests.Transport;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Dht;

/// <summary>Peers of one swarm on this machine, over one kind of transport, with real keys, grants and signatures.</summary>
internal sealed class DhtPeers(TransportKind kind, IRecordPolicy? policy = null, TimeProvider? time = null) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly SwarmRoot _root = SwarmRoot.Found();
    private readonly InMemoryNetwork _network = new();
    private readonly List<DhtPeer> _peers = [];
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    public SwarmId Swarm => _root.Swarm;

    public IReadOnlyList<DhtPeer> Peers => _peers;

    /// <summary>A peer that knows nobody yet; a client serves nothing.</summary>
    public async Task<DhtPeer> AddAsync(bool isClient = false, DhtOptions? options = null)
    {
        PeerKey key = PeerKey.Create();
        PeerCredentials credentials = PeerCredentials.Create(key, _root.Issue([]), _time);
        var transportOptions = new TransportOptions { Credentials = credentials, TimeProvider = _time };
        ITransport transport = kind == TransportKind.Grpc ? new GrpcTransport(transportOptions) : new InMemoryTransport(_network, transportOptions);
        var node = new DhtNode(
            key, Swarm, transport, _time, new SeededRandomSource((ulong)_peers.Count + 1), (options ?? new DhtOptions { CallTimeout = TimeSpan.FromSeconds(20) }) with { IsClient = isClient },
            policy ?? new TestPolicy());
        IPeerListener? listener = isClient ? null : await transport.ListenAsync(new PeerAddress("127.0.0.1", 0), [node.Definition], CancellationToken.None);
        if (listener is not null)
            node.Advertise([listener.Address]);
        var peer = new DhtPeer(key, credentials, transport, node, listener);
        _peers.Add(peer);
        return peer;
    }

    /// <summary>Peers that joined by the first, each known to it.</summary>
    public async Task<DhtPeer[]> JoinAsync(int count)
    {
        DhtPeer first = await AddAsync();
        for (int joined = 1; joined < count; joined++)
            await JoinAsync(first);
        return [.. _peers];
    }

    /// <summary>A peer that has joined by another, which has entered it in its table.</summary>
    public async Task<DhtPeer> JoinAsync(DhtPeer by)
    {
        DhtPeer peer = await AddAsync();
        var known = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        by.Node.ContactAdded += added =>
        {
            if (added.Peer == peer.Id)
                known.TrySetResult();
        };
        JoinOutcome outcome = await peer.Node.JoinAsync([by.Address], CancellationToken.None);
        Assert.Empty(outcome.Faults);
        Assert.True(outcome.Contacts > 0);
        await known.Task.WaitAsync(Patience);
        return peer;
    }

    public SignedRecord Record(DhtPeer signer, DhtKey key, ulong sequence = 1, string payload = "hello", TimeSpan? lifetime = null) => SignedRecords.Create(
        signer.Key, key, Swarm, TestPolicy.Schema, sequence, lifetime ?? TimeSpan.FromMinutes(1), _time.GetUtcNow(), TestPolicy.Payload(signer.Id, payload));

    public async ValueTask DisposeAsync()
    {
        foreach (DhtPeer peer in _peers)
            await peer.DisposeAsync();
        _root.Dispose();
    }
}
