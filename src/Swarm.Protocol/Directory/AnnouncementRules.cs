using Google.Protobuf;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>What an announcement must satisfy before anybody looks at it further.</summary>
public static class AnnouncementRules
{
    private const double LongestSeconds = 3600;

    private const uint LongestRoundTripMicros = 60_000_000;

    /// <summary>Null when the announcement is sound; otherwise field, value and limit.</summary>
    public static string? Check(NodeAnnouncement? announcement)
    {
        if (announcement is null)
            return "announcement: absent, expected one";
        return CheckWho(announcement) ?? CheckBlocks(announcement) ?? CheckFigures(announcement);
    }

    /// <summary>Null when the record is sound; otherwise field, value and limit.</summary>
    public static string? Check(ServedModel? model)
    {
        if (model is null)
            return "model: absent, expected one";
        if (model.ModelIdentity.Length != PeerId.Length)
            return $"model_identity: {model.ModelIdentity.Length} bytes, expected {PeerId.Length}";
        if (model.ConfigHash.Length != PeerId.Length)
            return $"config_hash: {model.ConfigHash.Length} bytes, expected {PeerId.Length}";
        if (model.DescriptionHash.Length is not (0 or PeerId.Length))
            return $"description_hash: {model.DescriptionHash.Length} bytes, expected {PeerId.Length} or none";
        if (model.Name.Length > ChainLimits.MaxNameLength)
            return $"name: {model.Name.Length} characters, expected at most {ChainLimits.MaxNameLength}";
        if (model.Weights.Length > DirectoryLimits.MaxWeightsLength)
            return $"weights: {model.Weights.Length} characters, expected at most {DirectoryLimits.MaxWeightsLength}";
        return model.Blocks is 0 or > ChainLimits.MaxBlocks ? $"blocks: {model.Blocks}, expected 1 to {ChainLimits.MaxBlocks}" : null;
    }

    /// <summary>The entry that an announcement makes. It must have passed <see cref="Check(NodeAnnouncement?)"/>.</summary>
    public static NodeEntry Read(NodeAnnouncement announcement) => new()
    {
        Peer = new PeerId(announcement.Peer.Span),
        Addresses = [.. announcement.Addresses.Select(PeerAddress.Parse)],
        ModelIdentity = announcement.ModelIdentity,
        ModelName = announcement.ModelName,
        ModelBlocks = (int)announcement.ModelBlocks,
        ConfigHash = announcement.ConfigHash,
        Weights = announcement.Weights,
        State = (NodeState)announcement.State,
        Blocks = new BlockRange((int)announcement.FirstBlock, (int)announcement.EndBlock),
        Target = new BlockRange((int)announcement.TargetFirstBlock, (int)announcement.TargetEndBlock),
        TargetConfirmed = announcement.TargetConfirmed,
        Version = announcement.Version,
        WireVersion = announcement.WireVersion,
        BlockTime = TimeSpan.FromSeconds(announcement.BlockSeconds),
        QueueTime = TimeSpan.FromSeconds(announcement.QueueSeconds),
        CapacityBlocks = (int)announcement.CapacityBlocks,
        CacheTokensFree = (long)Math.Min(announcement.CacheTokensFree, long.MaxValue),
        Sessions = (int)Math.Min(announcement.Sessions, int.MaxValue),
        Links = [.. announcement.Links.Select(link => new LinkMeasurement(new PeerId(link.Peer.Span), TimeSpan.FromMicroseconds(link.RoundTripMicros)))],
        Grant = GrantId.TryRead(announcement.Grant, out GrantId grant) ? grant : null,
        Sequence = announcement.Sequence,
    };

    /// <summary>The announcement that an entry is: <see cref="Read"/> backwards.</summary>
    public static NodeAnnouncement Write(NodeEntry entry)
    {
        var announcement = new NodeAnnouncement
        {
            Peer = entry.Peer.ToByteString(),
            ModelIdentity = entry.ModelIdentity,
            ModelName = entry.ModelName,
            ModelBlocks = (uint)entry.ModelBlocks,
            ConfigHash = entry.ConfigHash,
            Weights = entry.Weights,
            State = (AnnouncedState)entry.State,
            FirstBlock = (uint)entry.Blocks.First,
            EndBlock = (uint)entry.Blocks.End,
            TargetFirstBlock = (uint)entry.Target.First,
            TargetEndBlock = (uint)entry.Target.End,
            TargetConfirmed = entry.TargetConfirmed,
            Version = entry.Version,
            WireVersion = entry.WireVersion,
            BlockSeconds = entry.BlockTime.TotalSeconds,
            QueueSeconds = entry.QueueTime.TotalSeconds,
            CapacityBlocks = (uint)entry.CapacityBlocks,
            CacheTokensFree = (ulong)Math.Max(0, entry.CacheTokensFree),
            Sessions = (uint)entry.Sessions,
            Grant = entry.Grant?.ToByteString() ?? ByteString.Empty,
            Sequence = entry.Sequence,
        };
        announcement.Addresses.AddRange(entry.Addresses.Select(address => address.ToString()));
        announcement.Links.AddRange(entry.Links.Select(link => new MeasuredLink
        {
            Peer = link.Peer.ToByteString(),
            RoundTripMicros = (uint)Math.Clamp(link.RoundTrip.TotalMicroseconds, 0, LongestRoundTripMicros),
        }));
        return announcement;
    }

    /// <summary>
    /// Whether a change is worth telling before the next renewal: anything that decides who serves what at once, figures when they have moved by a
    /// fifth (free cache) to a half (waiting) of what was told.
    /// </summary>
    public static bool IsWorthTelling(NodeEntry told, NodeEntry now) =>
        IsUrgent(told, now)
        || told.Sessions == 0 != (now.Sessions == 0)
        || Math.Abs(now.Sessions - told.Sessions) > Math.Max(1, told.Sessions / 4)
        || HasMoved(told.CacheTokensFree, now.CacheTokensFree, 0.2, 0)
        || HasMoved(told.BlockTime.TotalSeconds, now.BlockTime.TotalSeconds, 0.2, 0)
        || HasMoved(told.QueueTime.TotalSeconds, now.QueueTime.TotalSeconds, 0.5, 0.02);

    /// <summary>Whether a change is worth telling this moment: it decides who serves what.</summary>
    public static bool IsUrgent(NodeEntry told, NodeEntry now) =>
        told.State != now.State || told.Blocks != now.Blocks || told.Target != now.Target || told.TargetConfirmed != now.TargetConfirmed
        || !told.Addresses.AsSpan().SequenceEqual(now.Addresses.AsSpan());

    private static bool HasMoved(double told, double now, double share, double least) =>
        Math.Abs(now - told) > Math.Max(share * Math.Max(told, now), least) - 1e-12 && told != now;

    private static string? CheckWho(NodeAnnouncement announcement)
    {
        if (announcement.Peer.Length != PeerId.Length)
            return $"peer: {announcement.Peer.Length} bytes, expected {PeerId.Length}";
        if (announcement.ModelIdentity.Length != PeerId.Length)
            return $"model_identity: {announcement.ModelIdentity.Length} bytes, expected {PeerId.Length}";
        if (announcement.ConfigHash.Length is not (0 or PeerId.Length))
            return $"config_hash: {announcement.ConfigHash.Length} bytes, expected {PeerId.Length}";
        if (announcement.Grant.Length is not (0 or GrantId.Length))
            return $"grant: {announcement.Grant.Length} bytes, expected {GrantId.Length}";
        if (announcement.Addresses.Count is 0 or > ChainLimits.MaxAddresses)
            return $"addresses: {announcement.Addresses.Count}, expected 1 to {ChainLimits.MaxAddresses}";
        foreach (string address in announcement.Addresses)
        {
            if (!PeerAddress.TryParse(address, out _, out string? error))
                return error;
        }

        if (announcement.ModelName.Length > ChainLimits.MaxNameLength)
            return $"model_name: {announcement.ModelName.Length} characters, expected at most {ChainLimits.MaxNameLength}";
        if (announcement.Weights.Length > DirectoryLimits.MaxWeightsLength)
            return $"weights: {announcement.Weights.Length} characters, expected at most {DirectoryLimits.MaxWeightsLength}";
        if (announcement.Version.Length > 64)
            return $"version: {announcement.Version.Length} characters, expected at most 64";
        return announcement.State is < AnnouncedState.Joining or > AnnouncedState.Left
            ? $"state: {(int)announcement.State}, expected {(int)AnnouncedState.Joining} to {(int)AnnouncedState.Left}"
            : null;
    }

    /// <summary>The part of <see cref="Check(NodeAnnouncement?)"/> that concerns blocks.</summary>
    internal static string? CheckBlocks(NodeAnnouncement announcement)
    {
        if (announcement.ModelBlocks is 0 or > ChainLimits.MaxBlocks)
            return $"model_blocks: {announcement.ModelBlocks}, expected 1 to {ChainLimits.MaxBlocks}";
        if (announcement.FirstBlock > announcement.EndBlock || announcement.EndBlock > announcement.ModelBlocks)
            return $"blocks: {announcement.FirstBlock}:{announcement.EndBlock}, expected a span within 0:{announcement.ModelBlocks}";
        if (announcement.TargetFirstBlock > announcement.TargetEndBlock || announcement.TargetEndBlock > announcement.ModelBlocks)
            return $"target_blocks: {announcement.TargetFirstBlock}:{announcement.TargetEndBlock}, expected a span within 0:{announcement.ModelBlocks}";
        if (announcement.State == AnnouncedState.Serving && announcement.FirstBlock == announcement.EndBlock)
            return $"blocks: {announcement.FirstBlock}:{announcement.EndBlock}, expected at least one of a node that serves";
        return announcement.CapacityBlocks > ChainLimits.MaxBlocks
            ? $"capacity_blocks: {announcement.CapacityBlocks}, expected at most {ChainLimits.MaxBlocks}"
            : null;
    }

    private static string? CheckFigures(NodeAnnouncement announcement)
    {
        if (!(announcement.BlockSeconds is >= 0 and <= LongestSeconds))
            return $"block_seconds: {announcement.BlockSeconds}, expected 0 to {LongestSeconds}";
        if (!(announcement.QueueSeconds is >= 0 and <= LongestSeconds))
            return $"queue_seconds: {announcement.QueueSeconds}, expected 0 to {LongestSeconds}";
        if (announcement.Links.Count > DirectoryLimits.MaxLinks)
            return $"links: {announcement.Links.Count}, expected at most {DirectoryLimits.MaxLinks}";
        foreach (MeasuredLink link in announcement.Links)
        {
            if (link.Peer.Length != PeerId.Length)
                return $"links: peer of {link.Peer.Length} bytes, expected {PeerId.Length}";
            if (link.RoundTripMicros > LongestRoundTripMicros)
                return $"links: round trip of {link.RoundTripMicros} µs, expected at most {LongestRoundTripMicros}";
        }

        return null;
    }
}
