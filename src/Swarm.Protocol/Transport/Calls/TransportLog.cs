using Microsoft.Extensions.Logging;

namespace Swarm.Protocol.Transport;

/// <summary>What the transport logs: never message contents.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "The handler of {Method} threw; its caller {Peer} gets UNKNOWN.")]
    public static partial void HandlerThrew(ILogger logger, string method, string peer, Exception exception);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information, Message = "The call of {Method} by {Peer} could not be answered: the connection is gone.")]
    public static partial void AnswerLost(ILogger logger, string method, string peer, Exception exception);
}
