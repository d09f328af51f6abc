using System.Collections.Immutable;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Directory;

/// <summary>Records that everybody sees at once, and pings that a test decides.</summary>
internal sealed class FakeRecords(SwarmId swarm, DirectoryRecordPolicy policy, TimeProvider time) : IRecordNetwork
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<DhtKey, SortedDictionary<PeerId, (DhtRecord Record, DateTimeOffset At)>> _held = [];

    /// <summary>Peers that refuse a connection.</summary>
    public HashSet<PeerId> Dead { get; } = [];

    /// <summary>Peers that say nothing.</summary>
    public HashSet<PeerId> Mute { get; } = [];

    /// <summary>Pings made so far, by peer.</summary>
    public SortedDictionary<PeerId, int> Pings { get; } = [];

    public Task<StoreOutcome> StoreAsync(SignedRecord record, CancellationToken cancellationToken)
    {
        RecordRefusal? refusal = SignedRecords.Verify(record, swarm, time.GetUtcNow(), policy, out DhtRecord? read);
        if (refusal is not null)
            throw new ArgumentException($"refused as {refusal}");
        lock (_lock)
        {
            if (!_held.TryGetValue(read!.Key, out var signers))
                _held.Add(read.Key, signers = []);
            signers[read.Signer] = (read, time.GetUtcNow());
        }

        return Task.FromResult(new StoreOutcome([read!.Signer], [], 0));
    }

    public Task<FindOutcome> FindAsync(DhtKey key, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ImmutableArray<FoundRecord> found = _held.TryGetValue(key, out var signers)
                ? [.. signers.Values.Select(held => new FoundRecord(held.Record, time.GetUtcNow() - held.At)).Where(record => record.Age < record.Record.Lifetime)]
                : [];
            return Task.FromResult(new FindOutcome(found, 1, 1, 1));
        }
    }

    public async Task<TimeSpan?> PingAsync(PeerEndpoint endpoint, CancellationToken cancellationToken)
    {
        lock (_lock)
            Pings[endpoint.Peer] = Pings.GetValueOrDefault(endpoint.Peer) + 1;
        if (Dead.Contains(endpoint.Peer))
            return null;
        if (!Mute.Contains(endpoint.Peer))
            return TimeSpan.FromMilliseconds(1);
        // Ends in the thread that cancels, so that virtual time does not run ahead of it.
        var silence = new TaskCompletionSource<TimeSpan?>();
        using CancellationTokenRegistration ending = cancellationToken.UnsafeRegister((_, token) => silence.TrySetCanceled(token), null);
        return await silence.Task;
    }
}
