using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>
/// What a session makes of its troubles, by the fault table, and whom it goes around for a while. A peer is avoided by this session alone: what others see of it is the directory's to
/// find out. Plain rules; one owner.
/// </summary>
internal sealed class TroubleRules
{
    /// <summary>How long a session goes around a peer, if another serves its blocks.</summary>
    public static readonly TimeSpan Avoidance = TimeSpan.FromSeconds(30);

    private readonly SortedDictionary<PeerId, TimeSpan> _avoided = [];
    private readonly SortedDictionary<PeerId, int> _resends = [];
    private readonly HashSet<(PeerId Reporter, PeerId Peer)> _said = [];

    /// <summary>Judges a trouble.</summary>
    /// <param name="trouble">What broke the chain.</param>
    /// <param name="opening">It came while a mended chain was being opened.</param>
    /// <param name="now">The session's clock.</param>
    public TroubleVerdict Judge(ChainTrouble trouble, bool opening, TimeSpan now)
    {
        FaultRule rule = trouble.Fault.Fault.Rule();
        FaultResponse response = rule.Response;

        // What the session's other hops take, a new one that refuses it has wrong: another version, other weights.
        if (opening && trouble.Fault.Fault is FaultKind.VersionMismatch or FaultKind.ModelMismatch && trouble.Peer is not null)
            response = FaultResponse.Elsewhere;
        if (trouble.Peer is not { } peer)
            return new TroubleVerdict(response, false, false);
        if (response == FaultResponse.Resend)
        {
            _resends[peer] = _resends.GetValueOrDefault(peer) + 1;
            if (_resends[peer] == 1)
                return new TroubleVerdict(FaultResponse.Resend, false, false);
            response = FaultResponse.Replace;
        }

        if (response is not (FaultResponse.Replace or FaultResponse.Elsewhere))
            return new TroubleVerdict(response, false, false);
        Avoid(peer, now);

        // Who says the same of the same a second time may be the one that is cut off.
        if (trouble.IsHearsay && !_said.Add((trouble.Reporter!.Value, peer)))
            Avoid(trouble.Reporter.Value, now);
        bool costs = rule.Cost != FaultCost.None;
        return new TroubleVerdict(response, Report: !trouble.IsHearsay || !costs, Suspect: trouble.IsHearsay && costs);
    }

    public void Avoid(PeerId peer, TimeSpan now) => _avoided[peer] = now + Avoidance;

    /// <summary>Whom to go around now, if others serve.</summary>
    public IReadOnlySet<PeerId> Avoided(TimeSpan now) => _avoided.Where(pair => pair.Value > now).Select(pair => pair.Key).ToHashSet();

    /// <summary>The chain is mended: what was said before does not count against who said it.</summary>
    public void OnMended() => _said.Clear();
}
