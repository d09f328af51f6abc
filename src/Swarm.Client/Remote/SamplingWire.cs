using Swarm.Models.Sampling;
using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>How the last node shall choose, as it travels.</summary>
internal static class SamplingWire
{
    public static SamplingTerms Write(SamplingOptions options)
    {
        var terms = new SamplingTerms
        {
            Temperature = options.Temperature,
            TopK = (uint)options.TopK,
            TopP = options.TopP,
            MinP = options.MinP,
            RepeatPenalty = options.RepeatPenalty,
            Seed = options.Seed,
        };
        if (options.RepeatLastN is { } last)
            terms.RepeatLastN = (uint)last;
        return terms;
    }
}
