using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>A link that somebody dialled to this node. All but <see cref="Sender"/> belongs to its reading loop.</summary>
internal sealed class InboundLink(LinkSender sender, bool bulk)
{
    public LinkSender Sender { get; } = sender;

    public bool IsBulk { get; } = bulk;

    /// <summary>Sessions that came by this link; they end with it.</summary>
    public HashSet<SessionId> Sessions { get; } = [];

    /// <summary>Sessions whose results go down this link.</summary>
    public HashSet<SessionId> Attached { get; } = [];

    /// <summary>Packets that are arriving.</summary>
    public Dictionary<SessionId, StepAssembly> Assemblies { get; } = [];

    public void Send(LinkFrame frame, SessionId session, uint epoch) => Sender.Send(new LinkMessage(frame.Address(session, epoch)));
}
