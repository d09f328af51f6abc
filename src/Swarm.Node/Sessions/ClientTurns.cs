using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>Whose turn it is among the clients with steps that wait: first who has gone longest without one. Rules only.</summary>
internal sealed class ClientTurns
{
    private const int Remembered = 1024;

    private readonly Dictionary<PeerId, long> _last = [];
    private long _pass;

    /// <summary>The first step of the client whose turn it is.</summary>
    /// <param name="waiting">At least one.</param>
    public LinkedListNode<StepWork> Next(List<LinkedListNode<StepWork>> waiting)
    {
        LinkedListNode<StepWork> next = waiting[0];
        long least = Last(next);
        foreach (LinkedListNode<StepWork> node in waiting)
        {
            long last = Last(node);
            if (last < least)
                (next, least) = (node, last);
        }

        return next;
    }

    /// <summary>One step of each client in turn, then another of each, and so on.</summary>
    public void Order(List<LinkedListNode<StepWork>> waiting)
    {
        var steps = new Dictionary<PeerId, int>();
        var ordered = new List<(int Round, long Last, int Place, LinkedListNode<StepWork> Node)>(waiting.Count);
        foreach (LinkedListNode<StepWork> node in waiting)
        {
            PeerId client = node.Value.Session.Lease.Client;
            int round = steps.GetValueOrDefault(client);
            steps[client] = round + 1;
            ordered.Add((round, Last(node), ordered.Count, node));
        }

        ordered.Sort((one, other) =>
            one.Round != other.Round ? one.Round.CompareTo(other.Round)
            : one.Last != other.Last ? one.Last.CompareTo(other.Last)
            : one.Place.CompareTo(other.Place));
        waiting.Clear();
        foreach ((_, _, _, LinkedListNode<StepWork> node) in ordered)
            waiting.Add(node);
    }

    /// <summary>These clients had their turn.</summary>
    public void Had(params ReadOnlySpan<StepPiece> pass)
    {
        // Forgotten, everybody waits alike.
        if (_last.Count > Remembered)
            _last.Clear();
        _pass++;
        foreach (StepPiece piece in pass)
            _last[piece.Work.Session.Lease.Client] = _pass;
    }

    private long Last(LinkedListNode<StepWork> node) => _last.GetValueOrDefault(node.Value.Session.Lease.Client);
}
