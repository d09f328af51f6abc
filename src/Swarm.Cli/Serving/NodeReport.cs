using Swarm.Cli.Framework;
using Swarm.Cli.Home;
using Swarm.Node;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Membership;

namespace Swarm.Cli.Serving;

/// <summary>What a node says while it lives: events for programs, lines on a terminal for people; elsewhere the log tells it.</summary>
internal sealed class NodeReport(CommandContext context, ServeEntry entry, ServePanel? panel)
{
    private readonly FetchRate _fetching = new(context.Time);
    private readonly Lock _lock = new();
    private List<string>? _held;

    /// <summary>Where a terminal shows the node; null elsewhere.</summary>
    public ServePanel? Panel => panel;

    public void Show(NodeEvent happened)
    {
        // The home comes first: who reads of it here may look there at once.
        SwarmInvite? invite = null;
        if (happened is NodeListening listening)
            entry.OnListening(listening.Address);
        else if (happened is NodeReady ready)
            invite = entry.OnReady(SwarmInvite.Parse(ready.Invite));
        else if (happened is NodePeerJoined joined)
            entry.OnPeer(joined.Address);
        if (context.Events is { } events)
        {
            Write(events, happened, invite);
            return;
        }

        if (invite is not null)
            Tell(invite);

        string? line = Line(happened);
        panel?.Note(happened, line);
        if (line is not null && context.Host.ErrorIsTerminal && panel is not { IsDrawing: true })
            Say(line);
    }

    /// <summary>Keeps lines back while something else is drawn on the terminal.</summary>
    public void Hold()
    {
        lock (_lock)
            _held ??= [];
    }

    /// <summary>Says what was kept back.</summary>
    public void Release()
    {
        lock (_lock)
        {
            _held?.ForEach(context.Say);
            _held = null;
        }
    }

    /// <summary>The word of a state, as <c>status</c> has it too.</summary>
    public static string Word(NodeState state) => state switch
    {
        NodeState.Joining => "joining",
        NodeState.Serving => "serving",
        NodeState.Paused => "paused",
        NodeState.Unreachable => "unreachable",
        NodeState.Left => "left",
        _ => "leaving",
    };

    // How others come in, and how people know this node.
    private void Tell(SwarmInvite invite)
    {
        Say(entry.Founded ? $"founded swarm {invite.Swarm.Fingerprint}; its invite:" : $"in swarm {invite.Swarm.Fingerprint}; an invite to it:");
        Say($"  {invite.ToText()}");
        if (entry.Founded && invite.Grant.IsPublic)
            Say(SwarmWords.Public);
        Say($"this node is {entry.Key.Id.Fingerprint}");
    }

    private void Say(string line)
    {
        lock (_lock)
        {
            if (_held is { } held)
                held.Add(line);
            else
                context.Say(line);
        }
    }

    private void Write(EventWriter events, NodeEvent happened, SwarmInvite? invite)
    {
        switch (happened)
        {
            case NodeListening e:
                events.Write("listening", json => json.WriteString("address", e.Address.ToString()));
                break;
            case NodeFetching e:
                if (_fetching.IsDue(e, out double rate))
                {
                    events.Write("fetching", json =>
                    {
                        json.WriteNumber("bytes", e.Bytes);
                        json.WriteNumber("totalBytes", e.TotalBytes);
                        json.WriteNumber("bytesPerSecond", Math.Round(rate));
                    });
                }

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
                    json.WriteString("invite", invite?.ToText() ?? e.Invite);
                    json.WriteString("fingerprint", e.Peer.Fingerprint);
                    if (invite is not null)
                        json.WriteString("swarm", invite.Swarm.ToString());
                    json.WriteStartObject("model");
                    json.WriteString("name", e.ModelName);
                    json.WriteString("identity", e.ModelIdentity);
                    json.WriteEndObject();
                    json.WriteBlocks("blocks", e.Blocks);
                    json.WriteNumber("memoryBytes", e.MemoryBytes);
                    json.WriteNumber("weightBytes", e.WeightBytes);
                    json.WriteNumber("cacheTokens", e.CacheTokens);
                    json.WriteFinite("tokensPerSecond", e.TokensPerSecond);
                    json.WriteNumber("readBytes", e.ReadBytes);
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
            case NodeMoved e:
                events.Write("moved", json =>
                {
                    json.WriteBlocks("from", e.From);
                    json.WriteBlocks("blocks", e.Blocks);
                    json.WriteNumber("loadedBlocks", e.LoadedBlocks);
                    json.WriteNumber("weightBytes", e.WeightBytes);
                    json.WriteNumber("cacheTokens", e.CacheTokens);
                    json.WriteFinite("tokensPerSecond", e.TokensPerSecond);
                    json.WriteFinite("seconds", e.Seconds);
                });
                break;
            case NodePaused e:
                events.Write(e.IsPaused ? "paused" : "resumed", json => json.WriteNumber("sessions", e.Sessions));
                break;
            case NodeUnreachable e:
                events.Write("unreachable", json => json.WriteString("reason", e.Reason));
                break;
            case NodeReachable:
                events.Write("reachable", _ => { });
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
        NodePeerJoined e => $"peer {e.Peer.Short} joined: {(e.Blocks.Count > 0 ? $"blocks {e.Blocks}" : "loading")} at {e.Address}",
        NodePeerLeft e => $"peer {e.Peer.Short} left",
        NodeMoved e => FormattableString.Invariant($"moved from blocks {e.From} to {e.Blocks} in {e.Seconds:F1} s ({e.LoadedBlocks} loaded)"),
        NodePaused { IsPaused: true } e => $"paused: no new sessions, {e.Sessions} go on; 'swarm resume' takes them again",
        NodePaused => "resumed",
        NodeUnreachable e => e.Reason,
        NodeReachable => "other nodes reach this one",
        NodeDraining e => $"draining, {e.Sessions} sessions open",
        NodeStopped e => e.CutSessions > 0 ? $"stopped; {e.CutSessions} sessions were cut off" : "stopped",
        _ => null,
    };
}
