using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>What an announcement must satisfy before it enters a table.</summary>
public static class AnnouncementRules
{
    /// <summary>Null when the announcement is sound; otherwise field, value and limit.</summary>
    public static string? Check(NodeAnnouncement? announcement)
    {
        if (announcement is null)
            return "announcement: absent, expected one";
        if (announcement.Peer.Length != PeerId.Length)
            return $"peer: {announcement.Peer.Length} bytes, expected {PeerId.Length}";
        if (announcement.ModelIdentity.Length != PeerId.Length)
            return $"model_identity: {announcement.ModelIdentity.Length} bytes, expected {PeerId.Length}";
        if (announcement.Addresses.Count is 0 or > ChainLimits.MaxAddresses)
            return $"addresses: {announcement.Addresses.Count}, expected 1 to {ChainLimits.MaxAddresses}";
        foreach (string address in announcement.Addresses)
        {
            if (!PeerAddress.TryParse(address, out _, out string? error))
                return error;
        }

        if (announcement.ModelName.Length > ChainLimits.MaxNameLength)
            return $"model_name: {announcement.ModelName.Length} characters, expected at most {ChainLimits.MaxNameLength}";
        if (announcement.Version.Length > 64)
            return $"version: {announcement.Version.Length} characters, expected at most 64";
        if (announcement.ModelBlocks > ChainLimits.MaxBlocks)
            return $"model_blocks: {announcement.ModelBlocks}, expected at most {ChainLimits.MaxBlocks}";
        if (announcement.FirstBlock >= announcement.EndBlock || announcement.EndBlock > announcement.ModelBlocks)
            return $"blocks: {announcement.FirstBlock}:{announcement.EndBlock}, expected a span within 0:{announcement.ModelBlocks}";
        if (!double.IsFinite(announcement.TokensPerSecond) || announcement.TokensPerSecond < 0)
            return $"tokens_per_second: {announcement.TokensPerSecond}, expected a finite number of at least 0";
        return null;
    }
}
