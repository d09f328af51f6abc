namespace Swarm.Models;

/// <summary>
/// Latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1): keys and values of all heads are made of one latent vector a position, which alone is cached, with some
/// rotary values that all heads share.
/// </summary>
public sealed record LatentConfig
{
    /// <summary>Values of the latent that queries are made of; 0 where they are made of the hidden state.</summary>
    public required int QueryRank { get; init; }

    /// <summary>Values of the latent that keys and values are made of.</summary>
    public required int KeyValueRank { get; init; }

    /// <summary>Values of a query head, and of the key that all heads share, that turn.</summary>
    public required int RotaryDimension { get; init; }

    /// <summary>Values of a query and key head that do not turn.</summary>
    public required int PlainDimension { get; init; }

    /// <summary>Values of a value head.</summary>
    public required int ValueDimension { get; init; }

    /// <summary>Writes the fields as <c>name=value</c>, for a model's identity.</summary>
    internal void WriteTo(Action<string, string> line)
    {
        void Number(string name, int value) => line(name, value.ToString(System.Globalization.CultureInfo.InvariantCulture));

        Number("latentQueryRank", QueryRank);
        Number("latentKeyValueRank", KeyValueRank);
        Number("latentRotary", RotaryDimension);
        Number("latentPlain", PlainDimension);
        Number("latentValue", ValueDimension);
    }
}
