using Swarm.Cli.Framework;
using Swarm.Node;

namespace Swarm.Cli.Commands;

/// <summary>What a node says while it lives: events for programs, lines on stderr for people.</summary>
internal sealed class NodeReport(CommandContext context)
{
    public void Show(NodeEvent happened)
    {
        if (context.Events is { } events)
            Write(events, happened);
        else if (Line(happened) is { } line)
            context.Say(line);
    }

    /// <summary>Tells people how others come in.</summary>
    public void Invite(string invite, bool founded)
    {
        context.Say(founded ? "founded a swarm; its invite:" : "joined the swarm; an invite to it:");
        context.Say($"  {invite}");
    }

    private static void Write(EventWriter events, NodeEvent happened)
    {
        switch (happened)
        {
            case NodeListening e:
                events.Write("listening", json => json.WriteString("address", e.Address.ToString()));
                break;
            case NodeLoading e:
                events.Write("loading", json =>
                {
                    json.WriteNumber("block", e.Span.Start + e.Done - 1);
                    json.WriteNumber("done", e.Done);
                    json.WriteNumber("of", e.Of);
                    json.WriteNumber("bytes", e.Bytes);
                    json.WriteNumber("totalBytes", e.TotalBytes);
                });
                break;
            case NodeReady e:
                events.Write("ready", json =>
                {
                    json.WriteNumber("pid", Environment.ProcessId);
                    json.WriteString("peer", e.Peer.ToString());
                    json.WriteString("address", e.Address.ToString());
                    json.WriteString("invite", e.Invite);
                    json.WriteStartObject("model");
                    json.WriteString("name", e.ModelName);
                    json.WriteString("identity", e.ModelIdentity);
                    json.WriteEndObject();
                    json.WriteBlocks("blocks", e.Blocks);
                    json.WriteNumber("memoryBytes", e.MemoryBytes);
                    json.WriteNumber("weightBytes", e.WeightBytes);
                    json.WriteNumber("cacheTokens", e.CacheTokens);
                    json.WriteFinite("tokensPerSecond", e.TokensPerSecond);
                });
                break;
            case NodeSessionOpened e:
                events.Write("sessionOpened", json =>
                {
                    json.WriteString("session", e.Session);
                    json.WriteNumber("sessions", e.Sessions);
                });
                break;
            case NodeSessionClosed e:
                events.Write("sessionClosed", json =>
                {
                    json.WriteString("session", e.Session);
                    json.WriteNumber("sessions", e.Sessions);
                });
                break;
            case NodePeerJoined e:
                events.Write("peerJoined", json =>
                {
                    json.WriteString("peer", e.Peer.ToString());
                    json.WriteString("address", e.Address);
                    json.WriteBlocks("blocks", e.Blocks);
                });
                break;
            case NodePeerLeft e:
                events.Write("peerLeft", json => json.WriteString("peer", e.Peer.ToString()));
                break;
            case NodeDraining e:
                events.Write("draining", json => json.WriteNumber("sessions", e.Sessions));
                break;
            case NodeStopped e:
                events.Write("stopped", json => json.WriteNumber("cutSessions", e.CutSessions));
                break;
        }
    }

    private static string? Line(NodeEvent happened) => happened switch
    {
        NodeListening e => $"listening on {e.Address}",
        NodeReady e => FormattableString.Invariant(
            $"{e.Peer.Short} serves blocks {e.Blocks} of {e.ModelName}: {Sizes.Bytes(e.WeightBytes)} of weights, room for {e.CacheTokens} tokens, {e.TokensPerSecond:F1} tokens/s"),
        NodeSessionOpened e => $"session {e.Session} opened, {e.Sessions} open",
        NodeSessionClosed e => $"session {e.Session} closed, {e.Sessions} open",
        NodePeerJoined e => $"peer {e.Peer.Short} joined: blocks {e.Blocks} at {e.Address}",
        NodePeerLeft e => $"peer {e.Peer.Short} left",
        NodeDraining e => $"draining, {e.Sessions} sessions open",
        NodeStopped e => e.CutSessions > 0 ? $"stopped; {e.CutSessions} sessions were cut off" : "stopped",
        _ => null,
    };
}
