using System.Globalization;
using System.Security.Cryptography;
using Grpc.Core;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Transport;
using VirtualWorld = Swarm.Simulation.VirtualWorld;

namespace Swarm.Protocol.Tests.Dht.Simulation;

/// <summary>
/// Thousands of <see cref="DhtNode"/>s, the daemon's own, in one thread on a virtual clock. Only the calls, the clock, the random source and the scheduler are others. Keys and signatures are real;
/// each record's signature is computed once for all peers.
/// </summary>
internal sealed class SimulatedSwarm(ulong seed) : IDisposable
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(2);

    private readonly SeededRandomSource _random = new(seed);
    private readonly Dictionary<PeerAddress, SimulatedPeer> _byAddress = [];
    private readonly Dictionary<DhtService, SimulatedPeer> _byService = [];
    private readonly Dictionary<DhtKey, bool> _signatures = [];
    private readonly CancellationTokenSource _end = new();

    public VirtualWorld World { get; } = new();

    public List<SimulatedPeer> Peers { get; } = [];

    public SwarmId Swarm { get; } = new(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 });

    public IRecordPolicy Policy { get; init; } = new TestPolicy();

    public DhtOptions Options { get; init; } = new();

    /// <summary>Round trips between two peers, uniformly.</summary>
    public (double LeastMilliseconds, double MostMilliseconds) RoundTrip { get; init; } = (60, 140);

    /// <summary>Takes every signature for sound: for thousands of signers that are only numbers.</summary>
    public bool TrustSignatures { get; init; }

    public long Calls { get; private set; }

    public SortedDictionary<string, long> CallsByName { get; } = new(StringComparer.Ordinal);

    public SimulatedPeer Add(bool isClient = false) => Add(NextKey(), isClient);

    public SimulatedPeer Add(PeerKey key, bool isClient = false)
    {
        int number = Peers.Count;
        var peer = new SimulatedPeer(key, new PeerAddress(string.Create(CultureInfo.InvariantCulture, $"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}"), 31330));
        peer.Node = new DhtNode(
            peer.Id, Swarm, new Wire(this, peer.Id), World, new SeededRandomSource(seed + (ulong)number + 1), Options with { IsClient = isClient, CallTimeout = CallTimeout, HasSoundSignature = IsSound }, Policy);
        peer.Node.Advertise([peer.Address]);
        Peers.Add(peer);
        _byService.Add(peer.Node.Service, peer);
        if (!isClient)
            _byAddress.Add(peer.Address, peer);
        return peer;
    }

    /// <summary>So many peers, each joining by one of those before it.</summary>
    public async Task GrowAsync(int count, TimeSpan apart, bool run = true)
    {
        var joins = new List<Task>();
        for (int added = 0; added < count; added++)
        {
            SimulatedPeer? by = Peers.Count == 0 ? null : Pick(Peers);
            SimulatedPeer peer = Add();
            if (by is not null)
                joins.Add(peer.Node.JoinAsync([by.Address], _end.Token));
            if (run)
                _ = peer.Node.RunAsync(_end.Token);
            await Task.Delay(apart, World);
        }

        await Task.WhenAll(joins);
    }

    /// <summary>
    /// So many peers whose tables are as a long time together would have left them: up to k random peers for each length of the common prefix. Joining one after the other would take ten thousand
    /// peers minutes of this machine's time and test nothing that a thousand do not.
    /// </summary>
    public void Settle(int count)
    {
        for (int added = 0; added < count; added++)
            Add();
        SimulatedPeer[] sorted = [.. Peers.OrderBy(peer => peer.Id)];
        Contact[] contacts = [.. sorted.Select(peer => new Contact(peer.Id, [peer.Address]))];
        for (int at = 0; at < sorted.Length; at++)
        {
            // Those that share a prefix lie side by side: [first, end) shrinks to the half that holds this peer, the other half is the bucket.
            (int first, int end) = (0, sorted.Length);
            for (int prefix = 0; end - first > 1; prefix++)
            {
                int middle = Boundary(contacts, first, end, prefix);
                (int from, int to) = at < middle ? (middle, end) : (first, middle);
                (first, end) = at < middle ? (first, middle) : (middle, end);
                int size = to - from, start = size == 0 ? 0 : (int)(_random.NextUInt64() % (ulong)size), step = Math.Max(1, size / DhtLimits.BucketSize);
                for (int taken = 0; taken < Math.Min(size, DhtLimits.BucketSize); taken++)
                    sorted[at].Node.Know(contacts[from + (start + taken * step) % size]);
            }
        }
    }

    /// <summary>The first contact of a range, sorted by place, whose bit is set.</summary>
    private static int Boundary(Contact[] contacts, int first, int end, int bit)
    {
        Span<byte> bytes = stackalloc byte[DhtKey.Length];
        while (first < end)
        {
            int middle = (first + end) / 2;
            contacts[middle].Place.CopyTo(bytes);
            if ((bytes[bit >> 3] & (0x80 >> (bit & 7))) != 0)
                end = middle;
            else
                first = middle + 1;
        }

        return first;
    }

    public void Strike(double share, Func<int, SimulatedFate> fate)
    {
        int left = (int)(Peers.Count * share);
        for (int struck = 0; struck < left;)
        {
            SimulatedPeer peer = Pick(Peers);
            if (peer.Fate == SimulatedFate.Alive)
                peer.Fate = fate(struck++);
        }
    }

    public SimulatedPeer PickAlive()
    {
        while (true)
        {
            SimulatedPeer peer = Pick(Peers);
            if (peer.Fate == SimulatedFate.Alive)
                return peer;
        }
    }

    public T Pick<T>(IReadOnlyList<T> items) => items[(int)(_random.NextUInt64() % (ulong)items.Count)];

    public SignedRecord Record(PeerKey signer, DhtKey key, ulong sequence = 1, string text = "hello", TimeSpan? lifetime = null) => SignedRecords.Create(
        signer, key, Swarm, TestPolicy.Schema, sequence, lifetime ?? DhtLimits.MaxLifetime, World.GetUtcNow(), TestPolicy.Payload(signer.Id, text));

    /// <summary>A key that the seed decides.</summary>
    public PeerKey NextKey()
    {
        byte[] scalar = new byte[32];
        _random.Fill(scalar);
        scalar[0] &= 0x7f;
        using ECDsa key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar });
        return PeerKey.FromPem(key.ExportPkcs8PrivateKeyPem());
    }

    public void Dispose()
    {
        _end.Cancel();
        foreach (SimulatedPeer peer in Peers)
        {
            peer.Node.Dispose();
            peer.Key.Dispose();
        }
    }

    private bool IsSound(DhtRecord record)
    {
        if (TrustSignatures)
            return true;
        if (!_signatures.TryGetValue(record.Hash, out bool sound))
            _signatures.Add(record.Hash, sound = SignedRecords.HasSoundSignature(record));
        return sound;
    }

    private Task<DhtReply<T>> Call<T>(PeerId caller, PeerEndpoint to, Func<DhtService, T> handle)
        where T : class
    {
        Calls++;
        CallsByName[typeof(T).Name] = CallsByName.GetValueOrDefault(typeof(T).Name) + 1;
        var reply = new TaskCompletionSource<DhtReply<T>>();
        TimeSpan there = OneWay(), back = OneWay();
        World.Plan(there, () =>
        {
            SimulatedPeer? peer = _byAddress.GetValueOrDefault(to.Addresses[0]);
            if (peer is { Fate: SimulatedFate.Mute })
                World.Plan(CallTimeout - there, () => reply.SetResult(Lost<T>(to, "no answer")));
            else if (peer is null || peer.Fate == SimulatedFate.Dead || (!to.Peer.IsNone && peer.Id != to.Peer))
                World.Plan(back, () => reply.SetResult(Lost<T>(to, "nobody listens")));
            else
                Answer(peer, back);
        });
        return reply.Task;

        void Answer(SimulatedPeer peer, TimeSpan after)
        {
            try
            {
                T message = handle(peer.Node.Service);
                World.Plan(after, () => reply.SetResult(new DhtReply<T>(message, null)));
            }
            catch (RpcException refusal)
            {
                World.Plan(after, () => reply.SetResult(new DhtReply<T>(null, new SwarmException(FaultKind.NoCapacity, refusal.Status.Detail, to.Peer))));
            }
        }
    }

    private static DhtReply<T> Lost<T>(PeerEndpoint to, string why)
        where T : class => new(null, new SwarmException(FaultKind.PeerUnreachable, $"{to}: {why}", to.Peer));

    private TimeSpan OneWay() => TimeSpan.FromMilliseconds((RoundTrip.LeastMilliseconds + (RoundTrip.MostMilliseconds - RoundTrip.LeastMilliseconds) * _random.NextDouble()) / 2);

    /// <summary>One peer's way to all others. Messages go by reference: nobody changes one.</summary>
    private sealed class Wire(SimulatedSwarm swarm, PeerId caller) : IDhtCalls
    {
        public Task<DhtReply<PingResponse>> PingAsync(PeerEndpoint peer, PingRequest request, CancellationToken cancellationToken) =>
            swarm.Call(caller, peer, service => service.Ping(caller, request));

        public Task<DhtReply<FindNodeResponse>> FindNodeAsync(PeerEndpoint peer, FindNodeRequest request, CancellationToken cancellationToken) =>
            swarm.Call(caller, peer, service => service.FindNode(caller, request));

        public Task<DhtReply<FindRecordsResponse>> FindRecordsAsync(PeerEndpoint peer, FindRecordsRequest request, CancellationToken cancellationToken) =>
            swarm.Call(caller, peer, service => swarm._byService[service].Lie?.Invoke(request) ?? service.FindRecords(caller, request));

        public Task<DhtReply<StoreResponse>> StoreAsync(PeerEndpoint peer, StoreRequest request, CancellationToken cancellationToken) =>
            swarm.Call(caller, peer, service => service.Store(caller, request));
    }
}
