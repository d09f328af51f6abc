using Google.Protobuf;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>
/// Which way sessions went, by the first page of what they were fed: where nodes may have their beginning. Among nodes that are about as quick, the measurements of a moment would send every
/// session another way. Rules only, and a short memory; thread-safe.
/// </summary>
internal sealed class PrefixRoutes
{
    // Shorter beginnings are no reason to go anywhere.
    private const int PageLabels = ChainLimits.PagePositions / ChainLimits.LabelPositions;

    // Beginnings that are remembered.
    private const int Most = 64;

    // What a token may take longer than on the best way, for the prefill that is spared.
    private const double Patience = 1.5;

    private readonly Lock _lock = new();
    private readonly Dictionary<ByteString, IReadOnlyList<ChainHop>> _routes = [];
    private readonly Queue<ByteString> _order = [];

    /// <summary>The name of the first page that a session is to be fed; null where it shares none.</summary>
    public static ByteString? Beginning(ChainSessionOptions options) =>
        options is { SharesPrefix: true, TokenSource: { } ids } && options.Prefix.Length > ChainLimits.PagePositions ? new PrefixLabels(ids).First(PageLabels)[^1] : null;

    /// <summary>A session with a beginning went this way.</summary>
    public void Note(ByteString beginning, IReadOnlyList<ChainHop> hops)
    {
        lock (_lock)
        {
            if (!_routes.ContainsKey(beginning))
                _order.Enqueue(beginning);
            _routes[beginning] = hops;
            if (_order.Count > Most)
                _routes.Remove(_order.Dequeue());
        }
    }

    /// <summary>The way that the last session with this beginning went, where it is still there, has room and takes not much longer; else the best.</summary>
    /// <param name="beginning">See <see cref="Beginning"/>.</param>
    /// <param name="candidates">Nodes that serve now.</param>
    /// <param name="best">The way that would be taken otherwise.</param>
    /// <param name="positions">Positions that each hop must have room for.</param>
    public IReadOnlyList<ChainHop> Choose(ByteString beginning, IReadOnlyList<RouteCandidate> candidates, IReadOnlyList<ChainHop> best, int positions)
    {
        IReadOnlyList<ChainHop>? last;
        lock (_lock)
            last = _routes.GetValueOrDefault(beginning);
        if (last is null || last[0].Blocks.Start != best[0].Blocks.Start || last[^1].Blocks.End != best[^1].Blocks.End)
            return best;
        bool serves = last.All(hop => candidates.Any(
            candidate => candidate.Peer == hop.Peer && candidate.Blocks.Start <= hop.Blocks.Start && candidate.Blocks.End >= hop.Blocks.End && candidate.CacheTokensFree >= positions));
        return serves && RoutePlanner.ExpectedTime(candidates, last) <= Patience * RoutePlanner.ExpectedTime(candidates, best) ? last : best;
    }
}
