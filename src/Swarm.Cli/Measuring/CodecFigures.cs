namespace Swarm.Cli.Measuring;

/// <summary>What one codec does to a text, and what it costs.</summary>
internal sealed record CodecFigures
{
    public required string Name { get; init; }

    /// <summary>Bytes on the link in packets of a prefill, every header counted.</summary>
    public required double BytesPerValue { get; init; }

    /// <summary>The same in packets of one token, as decode sends them.</summary>
    public required double BytesPerValueAlone { get; init; }

    /// <summary>The floor: order-0 entropy of the integers that the values become; NaN for a codec without.</summary>
    public required double EntropyBytesPerValue { get; init; }

    public required double Perplexity { get; init; }

    /// <summary>Against the exact one, as a fraction.</summary>
    public required double PerplexityChange { get; init; }

    /// <summary>Mean over positions of the divergence of the next token's distribution from the exact one.</summary>
    public required double KlNats { get; init; }

    /// <summary>Positions whose likeliest token is the exact one's, as a fraction.</summary>
    public required double SameChoice { get; init; }

    /// <summary>Median over packets.</summary>
    public required double EncodeSecondsPerValue { get; init; }

    /// <summary>Median over packets.</summary>
    public required double DecodeSecondsPerValue { get; init; }
}
