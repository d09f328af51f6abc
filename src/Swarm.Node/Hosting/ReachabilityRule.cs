using Swarm.Protocol.Reachability;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Hosting;

/// <summary>What several peers' dials back say together. Plain functions.</summary>
internal static class ReachabilityRule
{
    /// <summary>Why nobody reaches this node, in one sentence with the likely cause; null where somebody does, or where nobody has tried.</summary>
    /// <param name="answers">What peers found.</param>
    /// <param name="port">Where this node listens.</param>
    public static string? Verdict(IReadOnlyCollection<DialBackAnswer> answers, int port)
    {
        DialBackAnswer[] tried = [.. answers.Where(answer => answer.Outcome != DialBackOutcome.NotTried)];
        if (tried.Length == 0 || tried.Any(answer => answer.Outcome == DialBackOutcome.Reached))
            return null;

        // The commonest; of equally common ones that which says most.
        DialBackOutcome outcome = tried.GroupBy(answer => answer.Outcome).OrderByDescending(group => group.Count()).ThenBy(group => Vagueness(group.Key)).First().Key;
        string where = tried.First(answer => answer.Outcome == outcome).Observed?.ToString() ?? $"port {port}";
        string cause = outcome switch
        {
            DialBackOutcome.TimedOut =>
                $"nothing comes back from {where}: most likely a router that does not forward port {port} to this machine, or a firewall that drops it",
            DialBackOutcome.Refused =>
                $"{where} refuses the connection: most likely a firewall, or a router whose port {port} leads nowhere",
            DialBackOutcome.OtherPeer =>
                $"somebody else answers at {where}: most likely a router that forwards port {port} to another machine",
            _ => $"dialling {where} fails: most likely there is no way to this machine's network",
        };
        return $"other nodes cannot reach this one: {cause}; it serves nobody until they can";
    }

    /// <summary>The addresses to announce: those known, and those at which others have reached this node.</summary>
    /// <param name="announced">What is announced so far, best first.</param>
    /// <param name="answers">What peers found.</param>
    public static IReadOnlyList<PeerAddress> Addresses(IReadOnlyList<PeerAddress> announced, IEnumerable<DialBackAnswer> answers)
    {
        bool loopbackOnly = announced.All(IsLoopback);
        var addresses = new List<PeerAddress>(announced);
        foreach (DialBackAnswer answer in answers)
        {
            // A peer on this very machine sees an address that is of no use to others.
            if (answer is { Outcome: DialBackOutcome.Reached, Observed: { } observed } && !addresses.Contains(observed) && (loopbackOnly || !IsLoopback(observed)))
                addresses.Add(observed);
        }

        return addresses;
    }

    private static bool IsLoopback(PeerAddress address) =>
        address.Host == "localhost" || (System.Net.IPAddress.TryParse(address.Host, out System.Net.IPAddress? ip) && System.Net.IPAddress.IsLoopback(ip));

    private static int Vagueness(DialBackOutcome outcome) => outcome switch
    {
        DialBackOutcome.OtherPeer => 0,
        DialBackOutcome.Refused => 1,
        DialBackOutcome.TimedOut => 2,
        _ => 3,
    };
}
