using System.Collections.Immutable;
using Google.Protobuf;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>
/// What the directory's topics ask of their records: a payload within its limits, that speaks for its signer alone and lies under the key that
/// follows from what it says. Thread-safe.
/// </summary>
/// <param name="swarm">The swarm.</param>
/// <param name="gate">Knows the newest revocation list, below which none is taken; null: any that the root signed.</param>
public sealed class DirectoryRecordPolicy(SwarmId swarm, MembershipGate? gate = null) : IRecordPolicy
{
    /// <summary>Version of the payloads' meaning.</summary>
    public const uint Schema = 1;

    private readonly DhtKey _models = DirectoryKeys.Models(swarm);
    private readonly DhtKey _revocations = DirectoryKeys.Revocations(swarm);
    private ImmutableDictionary<ByteString, int> _known = ImmutableDictionary<ByteString, int>.Empty;

    // The last list whose signature was found to be the root's: all copies of the newest are the same bytes.
    private ByteString _sound = ByteString.Empty;

    /// <summary>Says how many blocks a model has, so that announcements of it that claim others are refused.</summary>
    public void Know(ByteString modelIdentity, int blocks) => ImmutableInterlocked.AddOrUpdate(ref _known, modelIdentity, blocks, (_, _) => blocks);

    /// <inheritdoc/>
    public RecordRefusal? Check(DhtRecord record)
    {
        if (record.Schema != Schema)
            return RecordRefusal.WrongSchema;
        if (Read(record) is not { } payload)
            return RecordRefusal.InvalidPayload;
        return payload.BodyCase switch
        {
            DirectoryPayload.BodyOneofCase.Model => record.Key != _models
                ? RecordRefusal.WrongKey
                : AnnouncementRules.Check(payload.Model) is null ? null : RecordRefusal.InvalidPayload,
            DirectoryPayload.BodyOneofCase.Node => CheckNode(record, payload.Node),
            DirectoryPayload.BodyOneofCase.Revocations => record.Key != _revocations ? RecordRefusal.WrongKey : CheckRevocations(payload.Revocations),
            _ => RecordRefusal.InvalidPayload,
        };
    }

    /// <inheritdoc/>
    public int MaxPayloadBytes(DhtKey key) => key == _revocations ? DhtLimits.MaxLongPayloadBytes : DhtLimits.MaxPayloadBytes;

    /// <summary>The payload of a record, or null when it is none.</summary>
    internal static DirectoryPayload? Read(DhtRecord record)
    {
        try
        {
            return DirectoryPayload.Parser.WithDiscardUnknownFields(true).ParseFrom(record.Payload.Span);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    // Any member may carry it: what it says is the root's word.
    private RecordRefusal? CheckRevocations(ByteString bytes)
    {
        try
        {
            var list = RevocationList.Parse(bytes.Span);
            if (list.Swarm != swarm)
                return RecordRefusal.InvalidPayload;
            if (list.Sequence < (gate?.Revocations?.Sequence ?? 0))
                return RecordRefusal.NotNewer;
            if (!bytes.Equals(Volatile.Read(ref _sound)))
            {
                if (!list.IsSignedByRoot())
                    return RecordRefusal.InvalidPayload;
                Volatile.Write(ref _sound, bytes);
            }

            return null;
        }
        catch (MembershipException)
        {
            return RecordRefusal.InvalidPayload;
        }
    }

    private RecordRefusal? CheckNode(DhtRecord record, NodeAnnouncement node)
    {
        if (!PeerId.TryRead(node.Peer, out PeerId peer))
            return RecordRefusal.InvalidPayload;
        if (peer != record.Signer)
            return RecordRefusal.NotTheSigners;
        if (AnnouncementRules.CheckBlocks(node) is not null || (_known.TryGetValue(node.ModelIdentity, out int blocks) && blocks != node.ModelBlocks))
            return RecordRefusal.BlocksOutsideModel;
        if (AnnouncementRules.Check(node) is not null || node.Sequence != record.Sequence)
            return RecordRefusal.InvalidPayload;
        foreach (int region in DirectoryKeys.RegionsOf(AnnouncementRules.Read(node)))
        {
            if (DirectoryKeys.Blocks(swarm, node.ModelIdentity, region) == record.Key)
                return null;
        }

        return RecordRefusal.WrongKey;
    }
}
