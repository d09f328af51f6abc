using Google.Protobuf;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>
/// The root's revocations in the DHT: found and given to the gate, and kept alive there by a few of the nodes that know them, so that a peer that meets nobody of its model
/// hears of them too.
/// </summary>
internal sealed class RevocationRecords(PeerKey key, IRecordNetwork network, MembershipGate gate, TimeProvider time, IRandomSource random, bool isClient)
{
    private ulong _sequence;

    /// <summary>Looks the list up; a node brings what it holds where too few others do.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        FindOutcome found = await network.FindAsync(DirectoryKeys.Revocations(gate.Swarm), cancellationToken);
        var seen = new List<(ulong Sequence, TimeSpan Age)>();
        foreach (FoundRecord record in found.Records)
        {
            // The policy has parsed it already, and knows the root's signature.
            if (DirectoryRecordPolicy.Read(record.Record) is not { BodyCase: DirectoryPayload.BodyOneofCase.Revocations } payload)
                continue;
            var list = RevocationList.Parse(payload.Revocations.Span);
            gate.Update(list);
            seen.Add((list.Sequence, record.Age));
        }

        if (isClient || gate.Revocations is not { } newest)
            return;
        int fresh = seen.Count(copy => copy.Sequence == newest.Sequence && copy.Age < DirectoryLimits.RevocationsRenewal);
        if (fresh < DirectoryLimits.RevocationsCopies)
            await PublishAsync(newest, cancellationToken);
    }

    /// <summary>Stores a list under this peer's signature; the root's is in the list.</summary>
    public async Task PublishAsync(RevocationList list, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        ulong sequence = Math.Max(Interlocked.Read(ref _sequence) + 1, (ulong)Math.Max(0, now.ToUnixTimeMilliseconds()));
        Interlocked.Exchange(ref _sequence, sequence);
        byte[] payload = new DirectoryPayload { Revocations = UnsafeByteOperations.UnsafeWrap(list.ToBytes()) }.ToByteArray();
        SignedRecord record = SignedRecords.Create(
            key, DirectoryKeys.Revocations(gate.Swarm), gate.Swarm, DirectoryRecordPolicy.Schema, sequence, DirectoryLimits.RevocationsLife, now, payload,
            DhtLimits.MaxLongPayloadBytes);
        try
        {
            await network.StoreAsync(record, cancellationToken);
        }
        catch (ArgumentException) when (gate.Revocations?.Sequence > list.Sequence)
        {
            // A newer one came meanwhile; it is brought next time.
        }
    }

    /// <summary>Refreshes until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(random.Jitter(DirectoryLimits.RevocationsInterval, DirectoryLimits.Jitter), time, cancellationToken);
                await RefreshAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Asked to end.
        }
    }
}
