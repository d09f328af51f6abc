namespace Swarm.Cli.Scoring;

/// <summary>How a text is scored.</summary>
internal sealed record ScoreOptions
{
    /// <summary>Positions a pass.</summary>
    public int Chunk { get; init; } = 128;

    /// <summary>Sessions that compute the same, checked equal bit for bit.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Name of the codec at the rounding points.</summary>
    public string Codec { get; init; } = "f32";

    /// <summary>Rounding points; null: where the route passes from node to node.</summary>
    public int[]? RoundAt { get; init; }

    /// <summary>The safetensors file to write, or null.</summary>
    public string? LogitsPath { get; init; }

    /// <summary>Whether hidden states are written too.</summary>
    public bool WithHidden { get; init; }
}
