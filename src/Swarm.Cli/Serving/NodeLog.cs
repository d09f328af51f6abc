using Microsoft.Extensions.Logging;
using Swarm.Node;
using Swarm.Protocol;

namespace Swarm.Cli.Serving;

/// <summary>What a node reports, as log lines. Sessions come and go many times a minute: they are for debugging.</summary>
internal sealed partial class NodeLog(ILoggerFactory factory)
{
    private readonly ILogger _node = factory.CreateLogger(LogCategories.Node);
    private readonly ILogger _directory = factory.CreateLogger(LogCategories.Directory);

    public void Observe(NodeEvent happened)
    {
        switch (happened)
        {
            case NodeListening e:
                Listening(_node, e.Address.ToString());
                break;
            case NodeReady e:
                Ready(_node, e.Peer.Short, e.Blocks.ToString(), e.ModelName, e.WeightBytes, e.CacheTokens);
                break;
            case NodeMoved e:
                Moved(_node, e.From.ToString(), e.Blocks.ToString(), Math.Round(e.Seconds, 1));
                break;
            case NodePaused { IsPaused: true } e:
                Paused(_node, e.Sessions);
                break;
            case NodePaused:
                Resumed(_node);
                break;
            case NodeUnreachable e:
                Unreachable(_node, e.Reason);
                break;
            case NodeReachable:
                Reachable(_node);
                break;
            case NodeSessionOpened e:
                SessionOpened(_node, e.Session, e.Sessions);
                break;
            case NodeSessionClosed e:
                SessionClosed(_node, e.Session, e.Sessions);
                break;
            case NodePeerJoined e:
                PeerJoined(_directory, e.Peer.Short, e.Address, e.Blocks.ToString());
                break;
            case NodePeerLeft e:
                PeerLeft(_directory, e.Peer.Short);
                break;
            case NodeDraining e:
                Draining(_node, e.Sessions);
                break;
            case NodeStopped e:
                Stopped(_node, e.CutSessions);
                break;
        }
    }

    [LoggerMessage(EventId = 12, Level = LogLevel.Warning, Message = "{Reason}.")]
    private static partial void Unreachable(ILogger logger, string reason);

    [LoggerMessage(EventId = 13, Level = LogLevel.Information, Message = "Other nodes reach this one.")]
    private static partial void Reachable(ILogger logger);

    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Listening on {Address}.")]
    private static partial void Listening(ILogger logger, string address);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information, Message = "{Peer} serves blocks {Blocks} of {Model}: {WeightBytes} bytes of weights, room for {CacheTokens} tokens.")]
    private static partial void Ready(ILogger logger, string peer, string blocks, string model, long weightBytes, long cacheTokens);

    [LoggerMessage(EventId = 3, Level = LogLevel.Information, Message = "Moved from blocks {From} to {Blocks} in {Seconds} s.")]
    private static partial void Moved(ILogger logger, string from, string blocks, double seconds);

    [LoggerMessage(EventId = 4, Level = LogLevel.Debug, Message = "Session {Session} opened, {Sessions} open.")]
    private static partial void SessionOpened(ILogger logger, string session, int sessions);

    [LoggerMessage(EventId = 5, Level = LogLevel.Debug, Message = "Session {Session} closed, {Sessions} open.")]
    private static partial void SessionClosed(ILogger logger, string session, int sessions);

    [LoggerMessage(EventId = 6, Level = LogLevel.Information, Message = "Peer {Peer} at {Address} serves blocks {Blocks}.")]
    private static partial void PeerJoined(ILogger logger, string peer, string address, string blocks);

    [LoggerMessage(EventId = 7, Level = LogLevel.Information, Message = "Peer {Peer} is gone.")]
    private static partial void PeerLeft(ILogger logger, string peer);

    [LoggerMessage(EventId = 8, Level = LogLevel.Information, Message = "Draining, {Sessions} sessions open.")]
    private static partial void Draining(ILogger logger, int sessions);

    [LoggerMessage(EventId = 10, Level = LogLevel.Information, Message = "Paused, {Sessions} sessions go on.")]
    private static partial void Paused(ILogger logger, int sessions);

    [LoggerMessage(EventId = 11, Level = LogLevel.Information, Message = "Resumed.")]
    private static partial void Resumed(ILogger logger);

    [LoggerMessage(EventId = 9, Level = LogLevel.Information, Message = "Stopped; {CutSessions} sessions were cut off.")]
    private static partial void Stopped(ILogger logger, int cutSessions);
}
