namespace Swarm.Node.Metrics;

/// <summary>The figures of one set of labels. Its family's lock guards it.</summary>
/// <param name="labels">As written between the braces; empty for none.</param>
/// <param name="bounds">Upper bounds of a histogram's buckets, else empty.</param>
internal sealed class MetricSeries(string labels, double[] bounds)
{
    public string Labels => labels;

    /// <summary>Not cumulative; one more than the bounds.</summary>
    public long[] Buckets { get; } = bounds.Length > 0 ? new long[bounds.Length + 1] : [];

    /// <summary>A counter's or gauge's value, or a histogram's sum.</summary>
    public double Value { get; private set; }

    /// <summary>Told since the last reading, where a reading asks.</summary>
    public bool IsSeen { get; private set; }

    /// <summary>Forgets the value: the instrument is about to tell it anew.</summary>
    public void Restart() => (Value, IsSeen) = (0, false);

    public void Add(double value)
    {
        Value += value;
        IsSeen = true;
    }

    public void Set(double value)
    {
        Value = value;
        IsSeen = true;
    }

    public void Record(double value)
    {
        int bucket = 0;
        while (bucket < bounds.Length && !(value <= bounds[bucket]))
            bucket++;
        Buckets[bucket]++;
        Add(value);
    }
}
