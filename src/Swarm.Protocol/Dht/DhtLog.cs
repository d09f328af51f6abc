using Microsoft.Extensions.Logging;

namespace Swarm.Protocol.Dht;

/// <summary>What the DHT logs: never payloads.</summary>
internal static partial class DhtLog
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Debug, Message = "Contact {Contact} entered the table.")]
    public static partial void ContactAdded(ILogger logger, Contact contact);

    [LoggerMessage(EventId = 2, Level = LogLevel.Debug, Message = "Contact {Peer} left the table: {Reason}")]
    public static partial void ContactLost(ILogger logger, string peer, string reason);

    [LoggerMessage(EventId = 3, Level = LogLevel.Debug, Message = "A record that {Caller} brought was refused: {Refusal}.")]
    public static partial void RecordRefused(ILogger logger, string caller, RecordRefusal refusal);

    [LoggerMessage(EventId = 4, Level = LogLevel.Information, Message = "The records that {Peer} answered with are set aside: one of them is unsound ({Refusal}), which an honest holder would not keep.")]
    public static partial void UnsoundAnswer(ILogger logger, string peer, RecordRefusal refusal);

    [LoggerMessage(EventId = 5, Level = LogLevel.Information, Message = "No contact is left; the swarm is joined anew through {Count} known endpoints.")]
    public static partial void Rejoining(ILogger logger, int count);

    [LoggerMessage(EventId = 6, Level = LogLevel.Debug, Message = "Handed {Count} records over to {Contact}, which is nearer to their keys.")]
    public static partial void HandedOver(ILogger logger, int count, Contact contact);
}
