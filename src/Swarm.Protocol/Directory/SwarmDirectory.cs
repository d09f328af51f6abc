using Google.Protobuf;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>
/// Who serves one model, as this peer sees it: read from the DHT, hastened by what others tell, corrected at once by what calls and probes reveal. The rules are
/// <see cref="DirectoryView"/>'s; this class does the talking. Thread-safe.
/// </summary>
public sealed class SwarmDirectory : IAsyncDisposable
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RetellTime = TimeSpan.FromSeconds(5);

    private readonly DirectoryOptions _options;
    private readonly IRecordNetwork _network;
    private readonly DirectoryClient _client;
    private readonly DirectoryRecordPolicy _policy;
    private readonly MembershipGate? _gate;
    private readonly long _start;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly DirectoryView _view;
    private readonly CallerBudget _budget = new(capacity: 60, perSecond: 20, maxCallers: 1024);
    private readonly SortedDictionary<PeerId, Heard> _heard = [];
    private readonly SortedDictionary<PeerId, TimeSpan> _told = [];
    private readonly List<Task> _errands = [];
    private ulong _ownSequenceSeen;
    private bool _disposed;

    /// <param name="options">What it is about.</param>
    /// <param name="network">The DHT.</param>
    /// <param name="transport">How peers are told; stays the caller's.</param>
    /// <param name="policy">What records must satisfy; told of the model.</param>
    /// <param name="gate">Is given revocations that are heard of; null where nobody checks membership.</param>
    public SwarmDirectory(DirectoryOptions options, IRecordNetwork network, ITransport transport, DirectoryRecordPolicy policy, MembershipGate? gate)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _network = network;
        _policy = policy;
        _gate = gate;
        _client = new DirectoryClient(transport, options.Time, options.Patience);
        _start = options.Time.GetTimestamp();
        _view = new DirectoryView(options.ModelIdentity);
        policy.Know(options.ModelIdentity, options.ModelBlocks);
    }

    /// <summary>Somebody came, changed or went. Called outside locks, one at a time for one cause; must not block.</summary>
    public event Action<DirectoryEvent>? Changed;

    public ByteString ModelIdentity => _options.ModelIdentity;

    /// <summary>Who is seen now, this node included where it has announced itself.</summary>
    public DirectorySnapshot Snapshot
    {
        get
        {
            lock (_lock)
                return _view.Snapshot(Now);
        }
    }

    /// <summary>The highest sequence number of an own announcement that others hold: a node that was restarted goes on above it.</summary>
    public ulong OwnSequenceSeen => Interlocked.Read(ref _ownSequenceSeen);

    private TimeSpan Now => _options.Time.GetElapsedTime(_start);

    /// <summary>Looks up the model's announcements and hears a few peers' news; ends when all is merged. What cannot be reached is left out: the old view stays.</summary>
    public async Task<DirectorySnapshot> RefreshAsync(CancellationToken cancellationToken = default)
    {
        // One that knows somebody hears them while it looks up; one that knows nobody yet asks those it finds.
        bool knowsSome = Targets(1).Count > 0;
        Task hearing = knowsSome ? ExchangeWithSomeAsync(peers: 2, cancellationToken) : Task.CompletedTask;
        FindOutcome[] found = await Task.WhenAll(Enumerable.Range(0, DirectoryKeys.RegionCount(_options.ModelBlocks))
            .Select(region => _network.FindAsync(DirectoryKeys.Blocks(_options.Swarm, _options.ModelIdentity, region), cancellationToken)));
        foreach (FindOutcome outcome in found)
        {
            foreach (FoundRecord record in outcome.Records)
                Take(record.Record, record.Age);
        }

        await (knowsSome ? hearing : ExchangeWithSomeAsync(peers: 2, cancellationToken));
        Sweep();
        return Snapshot;
    }

    /// <summary>Keeps the view fresh until it is cancelled: looks up, tries hidden peers again, and, for a node, watches its neighbours on the ring.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(
        RepeatAsync(RefreshInterval, async stop => await RefreshAsync(stop), cancellationToken),
        RepeatAsync(() => SweepInterval, SweepAndRetryAsync, cancellationToken),
        _options.Self is null ? Task.CompletedTask : RepeatAsync(() => DirectoryLimits.ProbeInterval, WatchAsync, cancellationToken));

    /// <summary>
    /// A call to the peer failed: where the fault is the peer's it is out of the snapshot at once, others are told so that they may see for
    /// themselves, and only an answered probe brings it back.
    /// </summary>
    public void ReportFailure(PeerId peer, FaultKind fault)
    {
        NodeEntry? node;
        bool hidden;
        lock (_lock)
        {
            hidden = _view.ReportFailure(peer, fault, Now);
            node = _view.Find(peer);
        }

        if (!hidden || node is null)
            return;
        Changed?.Invoke(new DirectoryEvent(DirectoryChange.Removed, node));
        if (fault.Rule().Blame == FaultBlame.Peer)
            Start(() => TellAsync(node, _stopping.Token));
    }

    /// <summary>Somebody, or something, says that the peer may be dead: it is probed, and hidden only if that fails.</summary>
    public void Suspect(PeerId peer) => CheckSuspicionAsync(peer, null);

    /// <summary>Probes those who are hidden now, whether or not their time has come: for who finds no route without them. Ends with the last answer or silence.</summary>
    public async Task ReconsiderAsync(CancellationToken cancellationToken)
    {
        List<NodeEntry> hidden;
        lock (_lock)
            hidden = [.. _view.Hidden().Take(DirectoryLimits.DirectFanOut)];
        await Task.WhenAll(hidden.Select(node => ProbeAsync(node, cancellationToken)));
    }

    /// <summary>What a call measured; it outweighs what the peer announces.</summary>
    /// <param name="peer">Whom.</param>
    /// <param name="blockTime">Compute time of one token through one block, or null.</param>
    /// <param name="roundTrip">There and back, or null.</param>
    public void Observe(PeerId peer, TimeSpan? blockTime, TimeSpan? roundTrip)
    {
        lock (_lock)
            _view.Observe(peer, blockTime, roundTrip, Now);
    }

    /// <summary>Enters this node's own new announcement and tells those it knows of; ends when they have answered or had their time.</summary>
    public async Task PublishAsync(NodeEntry own, SignedRecord record, CancellationToken cancellationToken)
    {
        DirectoryChange change;
        lock (_lock)
        {
            change = _view.Merge(own, TimeSpan.Zero, DirectoryLimits.AnnouncementLife, Now);
            _heard[own.Peer] = new Heard(record, own.Sequence, TimeSpan.Zero, Now);
        }

        if (change != DirectoryChange.None)
            Changed?.Invoke(new DirectoryEvent(change, own));
        ExchangeRequest request = NewRequest();
        request.Records.Add(new HeldRecord { Record = record });
        await SendAsync(Targets(DirectoryLimits.DirectFanOut), request, cancellationToken);
    }

    /// <summary>Passes a revocation list on to everybody known, as after it was issued or heard of.</summary>
    public Task PublishRevocationsAsync(CancellationToken cancellationToken)
    {
        ExchangeRequest request = NewRequest();
        request.Revocations = NewestRevocations();
        return request.Revocations.IsEmpty ? Task.CompletedTask : SendAsync(Targets(DirectoryLimits.DirectFanOut), request, cancellationToken);
    }

    /// <summary>Answers a peer's exchange.</summary>
    /// <param name="caller">Who calls, as the transport knows it; none without credentials.</param>
    /// <param name="request">From anybody.</param>
    /// <param name="response">The answer.</param>
    /// <returns>Null, or why the request is refused.</returns>
    internal string? Answer(PeerId caller, ExchangeRequest request, out ExchangeResponse response)
    {
        response = new ExchangeResponse { WireVersion = WireVersion.Current };
        if (request.Records.Count > DirectoryLimits.MaxRecords)
            return $"records: {request.Records.Count}, expected at most {DirectoryLimits.MaxRecords}";
        if (request.Suspicions.Count > DirectoryLimits.MaxSuspicions)
            return $"suspicions: {request.Suspicions.Count}, expected at most {DirectoryLimits.MaxSuspicions}";
        HearRevocations(request.Revocations);
        if (NewestRevocationsSequence() > request.RevocationsSequence)
            response.Revocations = NewestRevocations();
        if (request.ModelIdentity != _options.ModelIdentity)
            return null;
        HearRecords(request.Records, caller);
        HearSuspicionsAsync(request.Suspicions);
        lock (_lock)
        {
            response.Suspicions.AddRange(_view.Deaths(Now).Select(death => new Suspicion { Peer = death.Peer.ToByteString(), Sequence = death.Sequence }));
            if (request.WantsRecords)
                response.Records.AddRange(NewestRecords());
        }

        return null;
    }

    /// <summary>Whether the caller may ask again now.</summary>
    internal bool Admits(PeerId caller)
    {
        lock (_lock)
            return _budget.TryTake(caller, 1, Now);
    }

    /// <summary>Ends what runs in the background.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] errands;
        lock (_lock)
        {
            _disposed = true;
            errands = [.. _errands];
        }

        _stopping.Cancel();
        await Task.WhenAll(errands);
    }

    private TimeSpan RefreshInterval()
    {
        lock (_lock)
            return DirectoryLimits.RefreshInterval + (DirectoryLimits.RefreshPerNode * _view.Count);
    }

    private async Task RepeatAsync(Func<TimeSpan> interval, Func<CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        try
        {
            while (true)
            {
                await Task.Delay(_options.Random.Jitter(interval(), DirectoryLimits.Jitter), _options.Time, both.Token);
                await act(both.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // It ends.
        }
    }

    private Task SweepAndRetryAsync(CancellationToken cancellationToken)
    {
        Sweep();
        IReadOnlyList<NodeEntry> due;
        lock (_lock)
            due = _view.DueProbes(Now);
        foreach (NodeEntry node in due)
            Start(() => ProbeAsync(node, _stopping.Token));
        return Task.CompletedTask;
    }

    private Task WatchAsync(CancellationToken cancellationToken)
    {
        List<NodeEntry> watched;
        lock (_lock)
            watched = [.. _view.Watched(_options.Self!.Value, DirectoryLimits.WatchedSuccessors).Where(node => _view.ShouldVerify(node.Peer, node.Sequence, Now))];
        foreach (NodeEntry node in watched)
            Start(() => VerifyAsync(node, _stopping.Token));
        return Task.CompletedTask;
    }

    // Drops what outlived its time.
    private void Sweep()
    {
        List<NodeEntry> ended = [];
        lock (_lock)
        {
            TimeSpan now = Now;
            SortedDictionary<PeerId, NodeEntry> before = new(_heard.Keys.Select(peer => _view.Find(peer)).OfType<NodeEntry>().ToDictionary(node => node.Peer));
            foreach (PeerId peer in _view.Expire(now))
            {
                if (before.TryGetValue(peer, out NodeEntry? node))
                    ended.Add(node);
            }

            foreach (PeerId peer in _heard.Keys.Where(peer => _view.Find(peer) is null).ToArray())
                _heard.Remove(peer);
            foreach (PeerId peer in _told.Where(told => now - told.Value >= RetellTime).Select(told => told.Key).ToArray())
                _told.Remove(peer);
        }

        foreach (NodeEntry node in ended)
            Changed?.Invoke(new DirectoryEvent(DirectoryChange.Removed, node));
    }

    // Asks until it is clear: one silence is followed by a second probe at once.
    private async Task VerifyAsync(NodeEntry node, CancellationToken cancellationToken)
    {
        for (int probe = 1; probe <= DirectoryLimits.SilencesOfTheDead; probe++)
        {
            ProbeOutcome outcome = await ProbeAsync(node, cancellationToken);
            if (outcome == ProbeOutcome.Answered)
                return;
            // Others begin to look while this one makes sure: a machine that lost its power is silent to all.
            _ = Start(() => TellAsync(node, _stopping.Token));
            if (outcome == ProbeOutcome.Refused)
                return;
        }
    }

    private async Task<ProbeOutcome> ProbeAsync(NodeEntry node, CancellationToken cancellationToken)
    {
        lock (_lock)
            _view.SetVerifying(node.Peer, true);
        ProbeOutcome outcome = ProbeOutcome.Silent;
        TimeSpan? roundTrip = null;
        DirectoryChange change;
        try
        {
            // A connection that was open may just have been closed for idleness: a failure that comes at once is asked again.
            for (int attempt = 0; attempt < 2; attempt++)
            {
                (outcome, roundTrip) = await PingAsync(node, cancellationToken);
                if (outcome != ProbeOutcome.Refused)
                    break;
            }
        }
        finally
        {
            lock (_lock)
                _view.SetVerifying(node.Peer, false);
        }

        lock (_lock)
            change = _view.OnProbe(node.Peer, outcome, roundTrip, Now);
        if (change != DirectoryChange.None)
            Changed?.Invoke(new DirectoryEvent(change, node));
        return outcome;
    }

    private async Task<(ProbeOutcome Outcome, TimeSpan? RoundTrip)> PingAsync(NodeEntry node, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(DirectoryLimits.ProbePatience, _options.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        long start = _options.Time.GetTimestamp();
        try
        {
            TimeSpan? roundTrip = await _network.PingAsync(node.Endpoint, both.Token);
            if (roundTrip is not null)
                return (ProbeOutcome.Answered, roundTrip);
        }
        catch (OperationCanceledException)
        {
            // Late, or this directory ends.
        }

        cancellationToken.ThrowIfCancellationRequested();
        // The network may give up a little earlier than this does.
        bool silent = _options.Time.GetElapsedTime(start) >= DirectoryLimits.ProbePatience / 2;
        return (silent ? ProbeOutcome.Silent : ProbeOutcome.Refused, null);
    }

    // Each death is told once in a while, however many report it.
    private async Task TellAsync(NodeEntry node, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            TimeSpan now = Now;
            if (_told.TryGetValue(node.Peer, out TimeSpan before) && now - before < RetellTime)
                return;
            _told[node.Peer] = now;
        }

        ExchangeRequest request = NewRequest();
        request.Suspicions.Add(new Suspicion { Peer = node.Peer.ToByteString(), Sequence = node.Sequence });
        int fanOut = _options.Self is null ? DirectoryLimits.RelayFanOut : DirectoryLimits.DirectFanOut;
        await SendAsync([.. Targets(fanOut).Where(target => target.Peer != node.Peer)], request, cancellationToken);
    }

    private async Task ExchangeWithSomeAsync(int peers, CancellationToken cancellationToken)
    {
        ExchangeRequest request = NewRequest();
        request.WantsRecords = true;
        lock (_lock)
        {
            if (_options.Self is { } self && _heard.TryGetValue(self, out Heard own))
                request.Records.Add(Held(own));
        }

        await SendAsync(Targets(peers), request, cancellationToken);
    }

    private Task SendAsync(IReadOnlyList<NodeEntry> targets, ExchangeRequest request, CancellationToken cancellationToken) =>
        Task.WhenAll(targets.Select(target => ExchangeAsync(target, request, cancellationToken)));

    private async Task ExchangeAsync(NodeEntry target, ExchangeRequest request, CancellationToken cancellationToken)
    {
        ExchangeResponse response;
        try
        {
            response = await _client.ExchangeAsync(target.Endpoint, request, cancellationToken);
        }
        catch (SwarmException exception)
        {
            if (LivenessRules.Hides(exception.Fault))
                await AwaitBrieflyAsync(CheckSuspicionAsync(target.Peer, null), cancellationToken);
            return;
        }

        HearRevocations(response.Revocations);
        HearRecords([.. response.Records.Take(DirectoryLimits.MaxRecords)], target.Peer);
        await AwaitBrieflyAsync(HearSuspicionsAsync(response.Suspicions.Take(DirectoryLimits.MaxSuspicions)), cancellationToken);
    }

    private void HearRecords(IReadOnlyList<HeldRecord> records, PeerId from)
    {
        List<HeldRecord>? news = null;
        foreach (HeldRecord held in records)
        {
            DateTimeOffset now = _options.Time.GetUtcNow();
            // What is not newer is passed over before its signature is looked at.
            if (SignedRecords.Read(held.Record, _options.Swarm, now, _policy, out DhtRecord? read) is not null || !IsNewer(read!))
                continue;
            if (SignedRecords.Verify(held.Record, _options.Swarm, now, _policy, out DhtRecord? record) is not null)
                continue;
            if (Take(record!, TimeSpan.FromMilliseconds(held.AgeMilliseconds)))
                (news ??= []).Add(held);
        }

        bool tellsAll;
        lock (_lock)
            tellsAll = _view.Count > DirectoryLimits.DirectFanOut;
        if (news is null || !tellsAll || _options.Self is null)
            return;
        // In a large swarm the origin told some; they tell others until everybody has heard it.
        ExchangeRequest request = NewRequest();
        request.Records.AddRange(news);
        Start(() => SendAsync([.. Targets(DirectoryLimits.RelayFanOut).Where(target => target.Peer != from)], request, _stopping.Token));
    }

    private bool IsNewer(DhtRecord record)
    {
        lock (_lock)
            return record.Signer != _options.Self && (_view.Find(record.Signer) is not { } known || record.Sequence > known.Sequence);
    }

    // Merges a verified record; true when it told something new.
    private bool Take(DhtRecord record, TimeSpan age)
    {
        if (DirectoryRecordPolicy.Read(record)?.Node is not { } announcement || announcement.ModelIdentity != _options.ModelIdentity)
            return false;
        if (record.Signer == _options.Self)
        {
            InterlockedMax(ref _ownSequenceSeen, record.Sequence);
            return false;
        }

        NodeEntry entry = AnnouncementRules.Read(announcement);
        TimeSpan life = record.Lifetime < DirectoryLimits.AnnouncementLife ? record.Lifetime : DirectoryLimits.AnnouncementLife;
        DirectoryChange change;
        bool isNew;
        lock (_lock)
        {
            change = _view.Merge(entry, age, life, Now);
            isNew = _view.Find(entry.Peer)?.Sequence == entry.Sequence && (!_heard.TryGetValue(entry.Peer, out Heard heard) || heard.Sequence < entry.Sequence);
            if (isNew)
                _heard[entry.Peer] = new Heard(record.Wire, entry.Sequence, age, Now);
        }

        if (change != DirectoryChange.None)
            Changed?.Invoke(new DirectoryEvent(change, entry));
        return isNew;
    }

    // Ends when all are cleared up, which goes on in the background whether or not somebody waits.
    private Task HearSuspicionsAsync(IEnumerable<Suspicion> suspicions)
    {
        var checks = new List<Task>();
        foreach (Suspicion suspicion in suspicions)
        {
            if (PeerId.TryRead(suspicion.Peer, out PeerId peer) && peer != _options.Self)
                checks.Add(CheckSuspicionAsync(peer, suspicion.Sequence));
        }

        return Task.WhenAll(checks);
    }

    // By the announcement with this number, or by the one held here.
    private Task CheckSuspicionAsync(PeerId peer, ulong? sequence)
    {
        NodeEntry? node;
        lock (_lock)
            node = _view.Find(peer) is { } known && _view.ShouldVerify(peer, sequence ?? known.Sequence, Now) ? known : null;
        return node is null ? Task.CompletedTask : Start(() => VerifyAsync(node, _stopping.Token));
    }

    // A client plans its route from what it has just heard, so it gives a dead node's refusal the time to come; a node need not wait.
    private async Task AwaitBrieflyAsync(Task checks, CancellationToken cancellationToken)
    {
        if (_options.Self is not null || checks.IsCompleted)
            return;
        try
        {
            await checks.WaitAsync(DirectoryLimits.ProbePatience / 2, _options.Time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Silence: the check goes on without anybody waiting.
        }
    }

    private ulong NewestRevocationsSequence() => _gate?.Revocations?.Sequence ?? 0;

    private ByteString NewestRevocations() => _gate?.Revocations is { } list ? UnsafeByteOperations.UnsafeWrap(list.ToBytes()) : ByteString.Empty;

    // A list that is newer and the root's is passed on once by everybody who hears it first.
    private void HearRevocations(ByteString bytes)
    {
        if (bytes.IsEmpty || _gate is null)
            return;
        try
        {
            if (!_gate.Update(RevocationList.Parse(bytes.Span)))
                return;
        }
        catch (MembershipException)
        {
            // Whoever sent it does not know better; the list held stays.
            return;
        }

        Start(() => PublishRevocationsAsync(_stopping.Token));
    }

    private ExchangeRequest NewRequest() => new()
    {
        WireVersion = WireVersion.Current,
        ModelIdentity = _options.ModelIdentity,
        RevocationsSequence = NewestRevocationsSequence(),
    };

    // Others to tell: the next on the ring, which hear it for sure, and some drawn by lot.
    private IReadOnlyList<NodeEntry> Targets(int count)
    {
        List<NodeEntry> others;
        lock (_lock)
            others = [.. _view.Snapshot(Now).Nodes.Where(node => node.Peer != _options.Self && node.State != NodeState.Unreachable)];
        for (int index = 0; index < Math.Min(count, others.Count); index++)
        {
            int other = index + (int)(_options.Random.NextUInt64() % (ulong)(others.Count - index));
            (others[index], others[other]) = (others[other], others[index]);
        }

        return others.Count <= count ? others : others[..count];
    }

    private IEnumerable<HeldRecord> NewestRecords() => _heard.Values
        .OrderBy(heard => Now - heard.At + heard.Age)
        .Take(DirectoryLimits.MaxRecords)
        .Select(Held);

    private HeldRecord Held(Heard heard) => new()
    {
        Record = heard.Record,
        AgeMilliseconds = (uint)Math.Clamp((Now - heard.At + heard.Age).TotalMilliseconds, 0, uint.MaxValue),
    };

    // Runs beside the caller and is waited for at the end.
    private Task Start(Func<Task> errand)
    {
        lock (_lock)
        {
            if (_disposed)
                return Task.CompletedTask;
        }

        Task running = RunQuietlyAsync(errand);
        lock (_lock)
        {
            _errands.RemoveAll(static done => done.IsCompleted);
            if (!running.IsCompleted)
                _errands.Add(running);
        }

        return running;
    }

    private static async Task RunQuietlyAsync(Func<Task> errand)
    {
        try
        {
            await errand();
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            // The directory ends.
        }
    }

    private static void InterlockedMax(ref ulong place, ulong value)
    {
        ulong seen = Interlocked.Read(ref place);
        while (value > seen)
        {
            ulong before = Interlocked.CompareExchange(ref place, value, seen);
            if (before == seen)
                return;
            seen = before;
        }
    }

    private readonly record struct Heard(SignedRecord Record, ulong Sequence, TimeSpan Age, TimeSpan At);
}
