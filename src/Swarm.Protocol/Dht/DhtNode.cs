using System.Collections.Immutable;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Dht;

/// <summary>
/// A peer of the DHT: answers others, looks up, stores, and keeps its table and its records. It owns no socket and no clock; the loops here await, the rules are in
/// <see cref="RoutingTable"/>, <see cref="LookUp"/> and <see cref="RecordStore"/>. Thread-safe.
/// </summary>
public sealed class DhtNode : IRecordNetwork, IDisposable
{
    /// <summary>Only the nearest of the holders hand a record over to a newcomer, or it would get it twenty times.</summary>
    private const int HandingHolders = 3;

    /// <summary>Contacts that are pinged in one round of upkeep.</summary>
    private const int PingsPerUpkeep = 3;

    /// <summary>Peers that are asked whether this one is a member.</summary>
    private const int MostAsked = 32;

    private static readonly TimeSpan LeastPatience = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan MostPatience = TimeSpan.FromMilliseconds(500);

    private readonly PeerId _self;
    private readonly TimeProvider _time;
    private readonly IRandomSource _random;
    private readonly DhtOptions _options;
    private readonly IDhtCalls _calls;
    private readonly ContactBook _book;
    private readonly RecordKeeper _keeper;
    private readonly DhtService _service;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private readonly SortedDictionary<DhtKey, OwnRecord> _own = [];
    private ImmutableArray<string> _addresses = [];
    private ImmutableArray<PeerEndpoint> _bootstrap = [];
    private TimeSpan _roundTrip = TimeSpan.FromMilliseconds(100);
    private TimeSpan _neighboursAt;

    /// <param name="key">Who this peer is. Not disposed with it.</param>
    /// <param name="swarm">Whose records are taken.</param>
    /// <param name="transport">How it calls others; with credentials of the same key. Not disposed with it.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="random">Its chance.</param>
    /// <param name="options">How it takes part.</param>
    /// <param name="policy">What topics ask of their records.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option that makes no sense.</exception>
    public DhtNode(PeerKey key, SwarmId swarm, ITransport transport, TimeProvider time, IRandomSource random, DhtOptions options, IRecordPolicy policy)
        : this(key.Id, swarm, new TransportDhtCalls(transport, time, options.CallTimeout), time, random, options, policy)
    {
    }

    internal DhtNode(PeerId self, SwarmId swarm, IDhtCalls calls, TimeProvider time, IRandomSource random, DhtOptions options, IRecordPolicy policy)
    {
        options.Validate();
        _self = self;
        _time = time;
        _random = random;
        _options = options;
        _calls = calls;
        _logger = options.LoggerFactory.CreateLogger<DhtNode>();
        _book = new ContactBook(self, options.SuspectFor, options.ContactRecheck);
        _keeper = new RecordKeeper(swarm, policy, time, options);
        _service = new DhtService(self, _book, _keeper, options, Heard, _logger);
        Definition = _service.Definition();
    }

    /// <summary>The service <c>swarm.v1.Dht</c>, to be served where <see cref="Advertise"/> says. A client does not serve it.</summary>
    public ServerServiceDefinition Definition { get; }

    /// <summary>The service's description, for reflection.</summary>
    public static ServiceDescriptor Descriptor => DhtReflection.Descriptor.Services[0];

    /// <summary>The peers in the table: each has answered a call pinned to its id.</summary>
    public IReadOnlyList<PeerEndpoint> Contacts => [.. _book.Contacts.Select(contact => contact.Endpoint)];

    /// <summary>Raised when a peer enters the table, on the thread that heard its answer.</summary>
    public event Action<PeerEndpoint>? ContactAdded;

    /// <summary>Records held for others and for this peer.</summary>
    public int HeldRecords => _keeper.Count;

    internal DhtService Service => _service;

    internal RecordKeeper Keeper => _keeper;

    /// <summary>Says where this peer can be dialled, best first; at most 8 are told. Before it is called, and for a client always, this peer is entered in nobody's table.</summary>
    public void Advertise(IReadOnlyList<PeerAddress> addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        if (!_options.IsClient)
            _addresses = [.. addresses.Take(DhtLimits.MaxAddresses).Select(address => address.ToString())];
    }

    /// <summary>Takes a peer that others found dead out of the table at once, and leaves it alone for a while. It comes back when it answers.</summary>
    public void Forget(PeerId peer)
    {
        _book.Forget(peer, _keeper.Now);
        DhtLog.ContactLost(_logger, peer.Short, "reported dead");
    }

    /// <summary>Enters the swarm: calls the endpoints, looks up this peer's own neighbourhood, then places ever farther away. The endpoints are called again whenever nobody is left.</summary>
    /// <returns>No contacts means that this peer is alone; the faults say why.</returns>
    public async Task<JoinOutcome> JoinAsync(IReadOnlyList<PeerEndpoint> bootstrap, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(bootstrap);

        // Addresses without a peer, as in an invite, may be those of several.
        _bootstrap = [.. bootstrap.SelectMany(endpoint => endpoint.Peer.IsNone ? endpoint.Addresses.Select(address => (PeerEndpoint)address) : [endpoint])];
        SwarmException?[] faults = await Task.WhenAll(_bootstrap.Select(endpoint => GreetAsync(endpoint, cancellationToken)));
        cancellationToken.ThrowIfCancellationRequested();
        if (_book.Count > 0)
        {
            await FindNeighboursAsync(cancellationToken);
            foreach (int prefix in _book.ThinBuckets())
                await RefreshAsync(prefix, cancellationToken);
        }

        return new JoinOutcome(_book.Count, [.. faults.OfType<SwarmException>()]);
    }

    /// <summary>Calls everybody whose address is known here, and some others: who lets this peer in?</summary>
    /// <param name="also">Others to call.</param>
    /// <param name="cancellationToken">Ends waiting.</param>
    /// <returns>For each why it did not answer; null where it did.</returns>
    internal async Task<IReadOnlyList<SwarmException?>> AskAllAsync(IEnumerable<PeerEndpoint> also, CancellationToken cancellationToken)
    {
        PeerEndpoint[] known = [.. _bootstrap.Concat(also).Concat(Contacts).Distinct().Take(MostAsked)];
        SwarmException?[] faults = await Task.WhenAll(known.Select(AskAsync));
        cancellationToken.ThrowIfCancellationRequested();
        return faults;

        async Task<SwarmException?> AskAsync(PeerEndpoint endpoint)
        {
            DhtReply<PingResponse> reply = await _calls.PingAsync(endpoint, PingRequest(), cancellationToken);
            return FaultOf(reply, reply.Message?.WireVersion, endpoint);
        }
    }

    /// <summary>Keeps table and records until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(_random.Jitter(_options.UpkeepInterval, 0.2), _time, cancellationToken);
                await UpkeepAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Asked to end.
        }
    }

    /// <inheritdoc/>
    public async Task<StoreOutcome> StoreAsync(SignedRecord record, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (_keeper.Check(record, out DhtRecord? read) is { } unsound)
            throw new ArgumentException($"record: everybody would refuse it as {unsound}", nameof(record));
        TimeSpan now = _keeper.Now;
        if (read!.Signer == _self)
        {
            lock (_gate)
            {
                if (!_own.TryGetValue(read.Key, out OwnRecord? known) || known.Record.Sequence <= read.Sequence)
                    _own[read.Key] = new OwnRecord(read, now, now);
            }
        }

        return await StoreAsync(read, TimeSpan.Zero, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<FindOutcome> FindAsync(DhtKey key, CancellationToken cancellationToken)
    {
        var found = new FoundRecords();
        foreach (HeldCopy held in _keeper.Read(key))
            found.Add(held.Record, held.Age);
        LookUp lookUp = await LookUpAsync(
            key, LookUpRules.ForRecords, (contact, token) => AskRecordsAsync(contact, key, found, token), cancellationToken);
        DhtMeter.LookedUp(lookUp.Rounds);
        return new FindOutcome(found.ToImmutable(), lookUp.Rounds, lookUp.Asked, lookUp.Answers);
    }

    /// <inheritdoc/>
    public async Task<TimeSpan?> PingAsync(PeerEndpoint endpoint, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        long started = _time.GetTimestamp();
        DhtReply<PingResponse> reply = await _calls.PingAsync(endpoint, PingRequest(), cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        TimeSpan taken = _time.GetElapsedTime(started);
        Contact? known = _book.Find(endpoint.Peer);
        if (FaultOf(reply, reply.Message?.WireVersion, endpoint) is null)
        {
            // One address of many that the peer is known by does not make the others wrong.
            if (!endpoint.Peer.IsNone)
                Answered(known is not null && endpoint.Addresses.All(known.Endpoint.Addresses.Contains) ? known : new Contact(endpoint.Peer, endpoint.Addresses));
            return taken;
        }

        if (known is not null && known.Endpoint.Equals(endpoint))
            Failed(endpoint.Peer, reply.Fault);
        return null;
    }

    /// <summary>Stops what runs in the background. The peer answers no more look-ups of its own.</summary>
    public void Dispose() => _closing.Cancel();

    /// <summary>Enters a contact as one that has answered: a simulation begins with tables that are full.</summary>
    internal void Know(Contact contact) => _book.Answered(contact, _keeper.Now, out _);

    // ---- Contacts ----

    /// <summary>Calls an endpoint, learns who is there, and calls again pinned to that peer, which enters it.</summary>
    private async Task<SwarmException?> GreetAsync(PeerEndpoint endpoint, CancellationToken cancellationToken)
    {
        PeerId peer = endpoint.Peer;
        if (peer.IsNone)
        {
            DhtReply<PingResponse> hello = await _calls.PingAsync(endpoint, PingRequest(), cancellationToken);
            if (FaultOf(hello, hello.Message?.WireVersion, endpoint) is { } fault)
                return fault;
            if (!PeerId.TryRead(hello.Message!.Peer, out peer) || peer.IsNone)
                return new SwarmException(FaultKind.ProtocolViolation, $"{endpoint}: peer: {hello.Message.Peer.Length} bytes, expected {PeerId.Length} that are not all zero");
        }

        if (peer == _self)
            return null;
        var pinned = new PeerEndpoint(peer, endpoint.Addresses);
        DhtReply<PingResponse> reply = await _calls.PingAsync(pinned, PingRequest(), cancellationToken);
        if (FaultOf(reply, reply.Message?.WireVersion, pinned) is { } unanswered)
            return unanswered;
        Answered(new Contact(peer, endpoint.Addresses));
        return null;
    }

    /// <summary>A caller says where it can be dialled: it is entered once it has answered there.</summary>
    private void Heard(Contact caller)
    {
        if (!_closing.IsCancellationRequested && _book.ShouldVerify(caller, _keeper.Now))
            _ = VerifyAsync(caller);
    }

    private async Task VerifyAsync(Contact caller)
    {
        try
        {
            await TryPingAsync(caller);
        }
        finally
        {
            _book.Verified(caller.Peer);
        }
    }

    private async Task<bool> TryPingAsync(Contact contact)
    {
        DhtReply<PingResponse> reply = await _calls.PingAsync(contact.Endpoint, PingRequest(), _closing.Token);
        if (FaultOf(reply, reply.Message?.WireVersion, contact.Endpoint) is not { } fault)
        {
            Answered(contact);
            return true;
        }

        if (!_closing.IsCancellationRequested)
            Failed(contact.Peer, fault);
        return false;
    }

    private void Answered(Contact contact)
    {
        switch (_book.Answered(contact, _keeper.Now, out Contact? oldest))
        {
            case TableOffer.Added:
                DhtLog.ContactAdded(_logger, contact);
                ContactAdded?.Invoke(contact.Endpoint);
                if (!_options.IsClient)
                    _ = HandOverAsync(contact);
                break;
            case TableOffer.Waits when _book.ShouldPing(oldest!, _keeper.Now):
                _ = TryPingAsync(oldest!);
                break;
        }
    }

    private void Failed(PeerId peer, SwarmException? fault)
    {
        // A busy peer lives.
        if (fault?.Fault is FaultKind.NoCapacity or FaultKind.InvalidArgument)
            return;
        if (_book.Failed(peer, _keeper.Now))
            DhtLog.ContactLost(_logger, peer.Short, fault?.Message ?? "no answer");
    }

    // ---- Look-ups ----

    private Task<LookUp> LookUpPeersAsync(DhtKey target, LookUpRules rules, CancellationToken cancellationToken) =>
        LookUpAsync(target, rules, (contact, token) => AskPeersAsync(contact, target, token), cancellationToken);

    private Task RefreshAsync(int prefix, CancellationToken cancellationToken) =>
        LookUpPeersAsync(DhtKey.Of(_self).Beyond(prefix, RandomKey()), LookUpRules.ForRange, cancellationToken);

    private async Task FindNeighboursAsync(CancellationToken cancellationToken)
    {
        _neighboursAt = _keeper.Now;
        await LookUpPeersAsync(DhtKey.Of(_self), LookUpRules.ForPeers, cancellationToken);
    }

    private async Task<LookUp> LookUpAsync(DhtKey target, LookUpRules rules, Func<Contact, CancellationToken, Task<LookUpAnswer>> ask, CancellationToken cancellationToken)
    {
        TimeSpan begun = _keeper.Now;
        _book.LookedUp(target, begun);
        var lookUp = new LookUp(
            target, _self, rules, Patience(), _book.Closest(target, rules.BucketSize, sound: false), peer => _book.IsSuspect(peer, begun));
        await LookUpLoop.RunAsync(lookUp, ask, _keeper, _time, cancellationToken);
        return lookUp;
    }

    private async Task<LookUpAnswer> AskPeersAsync(Contact contact, DhtKey target, CancellationToken cancellationToken)
    {
        var request = new FindNodeRequest { WireVersion = WireVersion.Current, Target = target.ToByteString() };
        request.Addresses.AddRange(_addresses);
        long started = _time.GetTimestamp();
        DhtReply<FindNodeResponse> reply = await _calls.FindNodeAsync(contact.Endpoint, request, cancellationToken);
        return Settle(contact, reply, reply.Message?.WireVersion, started, cancellationToken) ? new LookUpAnswer(reply.Message!.Contacts, false) : LookUpAnswer.None;
    }

    /// <summary>Reads all pages of a peer's records. An unsound record discredits the whole answer: an honest holder has checked it.</summary>
    private async Task<LookUpAnswer> AskRecordsAsync(Contact contact, DhtKey key, FoundRecords found, CancellationToken cancellationToken)
    {
        IReadOnlyList<DhtContact> nearer = [];
        var taken = new List<(DhtRecord, TimeSpan)>();
        PeerId? after = null;
        bool holds = false;
        while (true)
        {
            var request = new FindRecordsRequest { WireVersion = WireVersion.Current, Key = key.ToByteString(), Known = found.Known() };
            request.Addresses.AddRange(_addresses);
            if (after is { } last)
                request.AfterSigner = last.ToByteString();
            long started = _time.GetTimestamp();
            DhtReply<FindRecordsResponse> reply = await _calls.FindRecordsAsync(contact.Endpoint, request, cancellationToken);
            if (!Settle(contact, reply, reply.Message?.WireVersion, started, cancellationToken))
                return after is null ? LookUpAnswer.None : new LookUpAnswer(nearer, holds);
            FindRecordsResponse page = reply.Message!;
            if (after is null)
                nearer = page.Contacts;
            taken.Clear();
            if (ReadRecords(page, key, after, taken, out PeerId? next) is { } unsound)
            {
                DhtLog.UnsoundAnswer(_logger, contact.Peer.Short, unsound);
                return new LookUpAnswer(nearer, false);
            }

            foreach ((DhtRecord record, TimeSpan age) in taken)
                found.Add(record, age);
            holds |= taken.Count > 0 || (page.Total > 0 && found.Count > 0);
            if (next is null)
                return new LookUpAnswer(nearer, holds);
            after = next;
        }
    }

    internal RecordRefusal? ReadRecords(FindRecordsResponse page, DhtKey key, PeerId? after, List<(DhtRecord Record, TimeSpan Age)> taken, out PeerId? next)
    {
        next = null;
        if (page.CalculateSize() > DhtLimits.MaxMessageBytes)
            return RecordRefusal.TooLong;
        PeerId last = after ?? default;
        foreach (HeldRecord held in page.Records)
        {
            RecordRefusal? refusal = _keeper.Check(held.Record, out DhtRecord? record);

            // What the holder's clock, age or policy may see otherwise is left out; what no holder may keep tells a liar.
            if (refusal is RecordRefusal.Malformed or RecordRefusal.TooLong or RecordRefusal.BadSignature or RecordRefusal.PeerIdMismatch or RecordRefusal.LifetimeTooLong or RecordRefusal.WrongSwarm)
                return refusal;
            if (record is null)
                continue;
            if (record.Key != key)
                return RecordRefusal.WrongKey;
            if (after is not null && record.Signer.CompareTo(after.Value) <= 0)
                return RecordRefusal.Malformed;
            if (record.Signer.CompareTo(last) > 0)
                last = record.Signer;
            TimeSpan age = TimeSpan.FromMilliseconds(held.AgeMilliseconds);
            if (refusal is null && age < record.Lifetime)
                taken.Add((record, age));
        }

        if (page.NextAfterSigner.IsEmpty)
            return null;

        // The next page must lie beyond this one, or a liar could go on for ever.
        if (!PeerId.TryRead(page.NextAfterSigner, out PeerId beyond) || (after is { } before && beyond.CompareTo(before) <= 0) || page.Records.Count == 0)
            return RecordRefusal.Malformed;
        next = beyond;
        return null;
    }

    /// <summary>Takes note of what a call says about its peer. True when there is an answer to read.</summary>
    private bool Settle<T>(Contact contact, DhtReply<T> reply, uint? version, long started, CancellationToken cancellationToken)
        where T : class
    {
        if (FaultOf(reply, version, contact.Endpoint) is { } fault)
        {
            if (!cancellationToken.IsCancellationRequested)
                Failed(contact.Peer, fault);
            return false;
        }

        TimeSpan taken = _time.GetElapsedTime(started);
        lock (_gate)
            _roundTrip += (taken - _roundTrip) / 8;
        Answered(contact);
        return true;
    }

    private static SwarmException? FaultOf<T>(DhtReply<T> reply, uint? version, PeerEndpoint peer)
        where T : class
    {
        if (!reply.IsAnswer)
            return reply.Fault;
        return version == WireVersion.Current
            ? null
            : new SwarmException(FaultKind.VersionMismatch, $"{peer}: wire version {version}, this program has {WireVersion.Current}", peer.Peer);
    }

    private TimeSpan Patience()
    {
        lock (_gate)
            return TimeSpan.FromTicks(Math.Clamp(_roundTrip.Ticks * 3, LeastPatience.Ticks, MostPatience.Ticks));
    }

    // ---- Records ----

    private async Task<StoreOutcome> StoreAsync(DhtRecord record, TimeSpan age, CancellationToken cancellationToken)
    {
        LookUp lookUp = await LookUpPeersAsync(record.Key, LookUpRules.ForPeers, cancellationToken);
        ImmutableArray<Contact> nearest = lookUp.Nearest;
        var holders = new List<PeerId>();
        var refusals = new List<(PeerId, RecordRefusal)>();
        int unreached = lookUp.Unanswered;

        // This peer holds it itself where it is among the nearest.
        if (!_options.IsClient && IsNear(record.Key, nearest))
            Sort(_self, _keeper.Hold(record.Wire, _self, age));
        DhtReply<StoreResponse>[] replies = await Task.WhenAll(nearest.Select(contact => CallStoreAsync(contact, [new HeldCopy(record, age)], cancellationToken)));
        cancellationToken.ThrowIfCancellationRequested();
        for (int at = 0; at < nearest.Length; at++)
        {
            if (replies[at].Message is { Refusals.Count: 1 } answer)
                Sort(nearest[at].Peer, answer.Refusals[0] == RecordRefusal.Unspecified ? null : answer.Refusals[0]);
            else
                unreached++;
        }

        return new StoreOutcome([.. holders.OrderBy(record.Key.DistanceTo)], [.. refusals], unreached);

        void Sort(PeerId peer, RecordRefusal? refusal)
        {
            if (refusal is { } named)
                refusals.Add((peer, named));
            else
                holders.Add(peer);
        }
    }

    private bool IsNear(DhtKey key, ImmutableArray<Contact> nearest) =>
        nearest.Length < DhtLimits.BucketSize || key.DistanceTo(_self).CompareTo(key.DistanceTo(nearest[^1].Peer)) < 0;

    private async Task<DhtReply<StoreResponse>> CallStoreAsync(Contact contact, IReadOnlyList<HeldCopy> records, CancellationToken cancellationToken)
    {
        var request = new StoreRequest { WireVersion = WireVersion.Current };
        request.Addresses.AddRange(_addresses);
        foreach (HeldCopy held in records)
            request.Records.Add(RecordKeeper.ToWire(held));
        long started = _time.GetTimestamp();
        DhtReply<StoreResponse> reply = await _calls.StoreAsync(contact.Endpoint, request, cancellationToken);
        return Settle(contact, reply, reply.Message?.WireVersion, started, cancellationToken) ? reply : new DhtReply<StoreResponse>(null, reply.Fault);
    }

    /// <summary>Brings a peer that has just become known the records that it is near enough to hold, when this peer is one of their nearest holders.</summary>
    private async Task HandOverAsync(Contact newcomer)
    {
        List<HeldCopy> records = [.. _keeper.Keys().Where(key => IsMineToHandOver(key, newcomer)).SelectMany(_keeper.Read).Where(held => held.Record.Signer != newcomer.Peer)];
        if (records.Count == 0)
            return;
        int sent = 0;
        foreach (IReadOnlyList<HeldCopy> part in StoreParts.Split(records))
        {
            if (_closing.IsCancellationRequested || !(await CallStoreAsync(newcomer, part, CancellationToken.None)).IsAnswer)
                break;
            sent += part.Count;
        }

        DhtLog.HandedOver(_logger, sent, newcomer);
    }

    private bool IsMineToHandOver(DhtKey key, Contact newcomer)
    {
        List<Contact> closest = _book.Closest(key, DhtLimits.BucketSize, sound: true);
        if (!closest.Contains(newcomer))
            return false;
        DhtKey own = key.DistanceTo(_self);
        return closest.Count(contact => contact != newcomer && key.DistanceTo(contact.Peer).CompareTo(own) < 0) < HandingHolders;
    }

    // ---- Upkeep ----

    private async Task UpkeepAsync(CancellationToken cancellationToken)
    {
        _keeper.Expire();
        if (_book.Count == 0 && _bootstrap.Length > 0)
        {
            DhtLog.Rejoining(_logger, _bootstrap.Length);
            await JoinAsync(_bootstrap, cancellationToken);
            return;
        }

        await Task.WhenAll(_book.Unseen(_keeper.Now, PingsPerUpkeep).Select(TryPingAsync));
        cancellationToken.ThrowIfCancellationRequested();
        if (_keeper.Now - _neighboursAt >= _options.NeighbourRefresh)
            await FindNeighboursAsync(cancellationToken);
        else if (_book.StaleBuckets(_keeper.Now, _options.BucketRefresh) is [int stale, ..])
            await RefreshAsync(stale, cancellationToken);
        foreach (OwnRecord own in TakeDue())
            await StoreAsync(own.Record, _keeper.Now - own.Begun, cancellationToken);
    }

    /// <summary>This peer's live records that have not been sent for a while; those that have ended are dropped.</summary>
    private List<OwnRecord> TakeDue()
    {
        TimeSpan now = _keeper.Now;
        var due = new List<OwnRecord>();
        lock (_gate)
        {
            foreach ((DhtKey key, OwnRecord own) in _own.ToList())
            {
                if (now - own.Begun >= own.Record.Lifetime)
                {
                    _own.Remove(key);
                }
                else if (now - own.Sent >= _options.RepublishInterval)
                {
                    due.Add(own);
                    _own[key] = own with { Sent = now };
                }
            }
        }

        return due;
    }

    private PingRequest PingRequest()
    {
        var request = new PingRequest { WireVersion = WireVersion.Current };
        request.Addresses.AddRange(_addresses);
        return request;
    }

    private DhtKey RandomKey()
    {
        Span<byte> bytes = stackalloc byte[DhtKey.Length];
        _random.Fill(bytes);
        return new DhtKey(bytes);
    }

    /// <summary>A record of this peer: when its life began, and when it was last brought to others.</summary>
    private sealed record OwnRecord(DhtRecord Record, TimeSpan Begun, TimeSpan Sent);
}
