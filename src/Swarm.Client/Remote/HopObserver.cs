using Swarm.Protocol.Directory;
using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>
/// What a session's results tell of its hops' speed: compute time a token and block, over some decode steps at a time, told to the directory, whose
/// snapshot it then outweighs. Belongs to one session; not thread-safe.
/// </summary>
internal sealed class HopObserver(IReadOnlyList<ChainHop> hops, SwarmDirectory directory)
{
    /// <summary>Steps that make one figure: a single one says more of chance than of the hop.</summary>
    private const int Steps = 16;

    private IReadOnlyList<HopTelemetry>? _from;
    private IReadOnlyList<HopTelemetry>? _before;
    private int _steps;

    /// <summary>Totals of the session after another result, one entry a hop.</summary>
    public void Observe(IReadOnlyList<HopTelemetry> totals)
    {
        // Prefill is bound by arithmetic and says nothing of a token's time: the count begins anew after it.
        bool decode = _before is not null && totals[0].Tokens == _before[0].Tokens + 1;
        _before = totals;
        if (!decode)
        {
            _from = totals;
            _steps = 0;
            return;
        }

        if (++_steps < Steps)
            return;
        for (int index = 0; index < hops.Count; index++)
        {
            HopTelemetry first = _from![index];
            HopTelemetry last = totals[index];
            if (hops[index].Peer is { } peer && last.Tokens > first.Tokens && last.ComputeMicros > first.ComputeMicros)
            {
                double micros = (double)(last.ComputeMicros - first.ComputeMicros) / (last.Tokens - first.Tokens) / hops[index].Blocks.Count;
                directory.Observe(peer, TimeSpan.FromMicroseconds(Math.Min(micros, TimeSpan.FromHours(1).TotalMicroseconds)), null);
            }
        }

        _from = totals;
        _steps = 0;
    }
}
