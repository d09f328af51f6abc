using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Swarm.Protocol;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Hosting;

/// <summary>
/// Keeps this node announced: the moment something changes that decides who serves what, a little later when figures have moved, and otherwise well before
/// the record ends. One announcement at a time; changes that come while one is made go together into the next.
/// </summary>
internal sealed class NodeAnnouncer
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly PeerKey _key;
    private readonly SwarmId _swarm;
    private readonly IRecordNetwork _network;
    private readonly SwarmDirectory _directory;
    private readonly TimeProvider _time;
    private readonly IRandomSource _random;
    private readonly ILogger _logger;
    private readonly Func<ulong, NodeEntry> _describe;
    private readonly Turn _turn = new();
    private readonly Lock _lock = new();
    private NodeEntry? _told;
    private TimeSpan _interval;
    private long _toldAt;
    private bool _isStored = true;

    /// <param name="key">Signs.</param>
    /// <param name="swarm">Which swarm.</param>
    /// <param name="describe">What there is to say of the node at the moment, under a sequence number.</param>
    /// <param name="network">Where records are stored.</param>
    /// <param name="directory">Tells others at once.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Of the jitter.</param>
    /// <param name="logger">Told what could not be stored.</param>
    public NodeAnnouncer(
        PeerKey key, SwarmId swarm, Func<ulong, NodeEntry> describe, IRecordNetwork network, SwarmDirectory directory, TimeProvider time, IRandomSource random,
        ILogger logger)
    {
        _key = key;
        _swarm = swarm;
        _describe = describe;
        _network = network;
        _directory = directory;
        _time = time;
        _random = random;
        _logger = logger;
        _interval = DirectoryLimits.RenewalInterval;
    }

    /// <summary>
    /// Tells what is so now: the DHT, so that any look-up begun afterwards finds it, and those known. Ends when both are done. Nothing is told after
    /// <see cref="FarewellAsync"/>.
    /// </summary>
    public Task AnnounceAsync(CancellationToken cancellationToken) => TellAsync(entry => entry, cancellationToken);

    /// <summary>Tells that the node is gone; the last that it says.</summary>
    public async Task FarewellAsync(CancellationToken cancellationToken)
    {
        if (_told is not null)
            await TellAsync(entry => entry with { State = NodeState.Left, Target = default, TargetConfirmed = false }, cancellationToken);
    }

    /// <summary>Renews, and tells what has moved, until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(_random.Jitter(LookInterval, DirectoryLimits.Jitter), _time, cancellationToken);
                if (IsDue())
                    await AnnounceAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private bool IsDue()
    {
        if (_told is not { } told)
            return false;
        lock (_lock)
        {
            if (!_isStored || _directory.OwnSequenceSeen > told.Sequence || _time.GetElapsedTime(_toldAt) >= _interval)
                return true;
        }

        return AnnouncementRules.IsWorthTelling(told, _describe(told.Sequence));
    }

    private async Task TellAsync(Func<NodeEntry, NodeEntry> change, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_told?.State != NodeState.Left)
                await TellNextAsync(change, cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task TellNextAsync(Func<NodeEntry, NodeEntry> change, CancellationToken cancellationToken)
    {
        // Above what this key announced before a restart: the clock is, unless it was set back, and then what others still hold says so.
        ulong sequence = Math.Max(Math.Max(_told?.Sequence ?? 0, _directory.OwnSequenceSeen) + 1, (ulong)Math.Max(0, _time.GetUtcNow().ToUnixTimeMilliseconds()));
        NodeEntry entry = change(_describe(sequence));
        lock (_lock)
        {
            _told = entry;
            _toldAt = _time.GetTimestamp();
            _interval = _random.Jitter(DirectoryLimits.RenewalInterval, DirectoryLimits.Jitter);
        }

        byte[] node = new DirectoryPayload { Node = AnnouncementRules.Write(entry) }.ToByteArray();
        SignedRecord[] records =
        [
            .. DirectoryKeys.RegionsOf(entry).Select(region => Sign(DirectoryKeys.Blocks(_swarm, entry.ModelIdentity, region), entry.Sequence, node)),
        ];
        var tasks = new List<Task<StoreOutcome>>(records.Select(record => _network.StoreAsync(record, cancellationToken)));
        Task telling = _directory.PublishAsync(entry, records[0], cancellationToken);
        if (entry.State != NodeState.Left)
            tasks.Add(_network.StoreAsync(Sign(DirectoryKeys.Models(_swarm), entry.Sequence, ModelPayload(entry)), cancellationToken));
        StoreOutcome[] outcomes = await Task.WhenAll(tasks);
        await telling;
        bool stored = outcomes.All(outcome => outcome.IsStored);
        lock (_lock)
            _isStored = stored;
        if (!stored)
            HostLog.NotStored(_logger, string.Join(", ", outcomes.SelectMany(outcome => outcome.Refusals).Select(refusal => refusal.Refusal).Distinct().Order()));
    }

    private static byte[] ModelPayload(NodeEntry entry) => new DirectoryPayload
    {
        Model = new ServedModel
        {
            ModelIdentity = entry.ModelIdentity,
            Name = entry.ModelName,
            Blocks = (uint)entry.ModelBlocks,
            ConfigHash = entry.ConfigHash,
            Weights = entry.Weights,
            DescriptionHash = entry.DescriptionHash,
        },
    }.ToByteArray();

    private SignedRecord Sign(DhtKey key, ulong sequence, byte[] payload) => SignedRecords.Create(
        _key, key, _swarm, DirectoryRecordPolicy.Schema, sequence, DirectoryLimits.AnnouncementLife, _time.GetUtcNow(), payload);
}
