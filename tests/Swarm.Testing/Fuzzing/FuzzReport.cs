using System.Globalization;
using System.Text;

namespace Swarm.Testing.Fuzzing;

/// <summary>What became of the inputs of one run.</summary>
public sealed class FuzzReport(string name, ulong seed)
{
    private readonly SortedDictionary<string, int> _outcomes = new(StringComparer.Ordinal);

    public int Inputs { get; private set; }

    /// <summary>Inputs that got past the header: below a third or so, a run only tests the header.</summary>
    public int PastHeader { get; private set; }

    public long MostAllocatedBytes { get; private set; }

    public IReadOnlyDictionary<string, int> Outcomes => _outcomes;

    public double PastHeaderShare => Inputs == 0 ? 0 : (double)PastHeader / Inputs;

    internal void Add(string outcome, bool pastHeader, long allocated)
    {
        Inputs++;
        PastHeader += pastHeader ? 1 : 0;
        MostAllocatedBytes = Math.Max(MostAllocatedBytes, allocated);
        _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + 1;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{name}: {Inputs} inputs of seed {seed}, {PastHeaderShare:P1} past the header, at most {MostAllocatedBytes} bytes allocated by one;");
        foreach ((string outcome, int count) in _outcomes)
            text.Append(CultureInfo.InvariantCulture, $" {outcome} {count}");
        return text.ToString();
    }
}
