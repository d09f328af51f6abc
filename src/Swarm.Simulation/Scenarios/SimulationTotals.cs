using System.Security.Cryptography;
using System.Text;

namespace Swarm.Simulation;

/// <summary>What came of many seeds.</summary>
public sealed record SimulationTotals
{
    /// <summary>By seed.</summary>
    public required IReadOnlyList<RunResult> Runs { get; init; }

    public int Generations => Runs.Sum(run => run.Generations);

    public long Tokens => Runs.Sum(run => run.Tokens);

    public long PrefixTokens => Runs.Sum(run => run.PrefixTokens);

    public long Recoveries => Runs.Sum(run => run.Recoveries);

    public int Mismatches => Runs.Sum(run => run.Mismatches);

    public int Hangs => Runs.Sum(run => run.Hangs);

    public int Violations => Runs.Sum(run => run.Violations.Count);

    public double VirtualSeconds => Runs.Sum(run => run.VirtualTime.TotalSeconds);

    /// <summary>Seeds in which something was not as it must be.</summary>
    public IReadOnlyList<RunResult> Failed => [.. Runs.Where(run => !run.IsSound)];

    /// <summary>Faults by kind.</summary>
    public IReadOnlyDictionary<SimulatedFault, int> Faults
    {
        get
        {
            var faults = new SortedDictionary<SimulatedFault, int>();
            foreach ((SimulatedFault kind, int count) in Runs.SelectMany(run => run.Faults))
                faults[kind] = faults.GetValueOrDefault(kind) + count;
            return faults;
        }
    }

    /// <summary>Equal where all runs were.</summary>
    public string TraceHash => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Concat(Runs.Select(run => run.TraceHash)))))[..16];
}
