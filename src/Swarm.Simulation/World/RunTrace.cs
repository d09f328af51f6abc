using System.Globalization;

namespace Swarm.Simulation;

/// <summary>What happened in a run, as one number: equal runs have equal ones. Bytes that no seed decides, signatures above all, are left out; their lengths are not.</summary>
public sealed class RunTrace
{
    private ulong _hash = 0x9E3779B97F4A7C15;

    /// <summary>Things that were added.</summary>
    public long Count { get; private set; }

    public string Text => _hash.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Told of each thing that is added; for finding where two runs part.</summary>
    public Action<string>? Watch { get; init; }

    public void Add(TimeSpan time, string from, string to, string kind, long size, string detail = "")
    {
        Count++;
        Mix((ulong)time.Ticks);
        Mix(from);
        Mix(to);
        Mix(kind);
        Mix((ulong)size);
        Watch?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:F6} {from} > {to} {kind} {size} {detail}"));
    }

    private void Mix(string text)
    {
        foreach (char character in text)
            Mix(character);
    }

    private void Mix(ulong value)
    {
        ulong mixed = (_hash ^ value) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        _hash = mixed ^ (mixed >> 31);
    }
}
