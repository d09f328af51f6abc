using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>A link that somebody dialled to this node. All but <see cref="Sender"/> belongs to its reading loop.</summary>
internal sealed class InboundLink(LinkSender sender, bool bulk)
{
    public LinkSender Sender { get; } = sender;

    public bool IsBulk { get; } = bulk;

    /// <summary>Who dialled, as the transport has proven it; none where it proves nothing.</summary>
    public PeerId Caller { get; init; }

    /// <summary>Who dialled is a node, by its own word.</summary>
    public bool IsFromNode { get; init; }

    /// <summary>Sessions that came by this link, and in which epoch last: those of that epoch wait for another way when it closes.</summary>
    public Dictionary<SessionId, uint> Sessions { get; } = [];

    /// <summary>Sessions whose results go down this link.</summary>
    public HashSet<SessionId> Attached { get; } = [];

    /// <summary>Packets that are arriving.</summary>
    public Dictionary<SessionId, StepAssembly> Assemblies { get; } = [];

    /// <summary>Sessions whose last step here was passed over: so are the parts of its packet that follow.</summary>
    public HashSet<SessionId> PassedOver { get; } = [];

    public void Send(LinkFrame frame, SessionId session, uint epoch) => Sender.Send(new LinkMessage(frame.Address(session, epoch)));
}
