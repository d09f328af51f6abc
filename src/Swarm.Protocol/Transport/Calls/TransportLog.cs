using Microsoft.Extensions.Logging;

namespace Swarm.Protocol.Transport;

/// <summary>What the transport logs: never message contents.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "The handler of {Method} threw; its caller {Peer} gets UNKNOWN.")]
    public static partial void HandlerThrew(ILogger logger, string method, string peer, Exception exception);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information, Message = "The call of {Method} by {Peer} could not be answered: the connection is gone.")]
    public static partial void AnswerLost(ILogger logger, string method, string peer, Exception exception);

    [LoggerMessage(EventId = 3, Level = LogLevel.Debug, Message = "A handshake with {Source} failed (refusal: {Refusal}): {Cause}")]
    public static partial void HandshakeFailed(ILogger logger, string source, string refusal, string cause);

    [LoggerMessage(EventId = 4, Level = LogLevel.Debug, Message = "The connection of {Source} is closed before HTTP: {Cause}")]
    public static partial void StrangerClosed(ILogger logger, string source, string cause);

    [LoggerMessage(EventId = 5, Level = LogLevel.Information, Message = "Peer {Peer} at {Source} is no member any more: {Refusal}.")]
    public static partial void FormerMemberRefused(ILogger logger, string peer, string source, Swarm.Protocol.Membership.MembershipRefusal refusal);

    [LoggerMessage(EventId = 6, Level = LogLevel.Information, Message = "The connection of peer {Peer} at {Source} is closed: its membership has ended.")]
    public static partial void MemberCut(ILogger logger, string peer, string source);
}
