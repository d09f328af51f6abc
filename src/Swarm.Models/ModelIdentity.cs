using System.Security.Cryptography;
using System.Text;
using Swarm.Kernels;

namespace Swarm.Models;

/// <summary>
/// What two nodes must agree on to compute the same bits: the SHA-256 of a model's configuration, its manifest's hash, the format its weights are held in and the numerics
/// class. Names are for people.
/// </summary>
/// <param name="Hex">64 lower-case hex digits.</param>
public readonly record struct ModelIdentity(string Hex)
{
    /// <summary>Weights held as the file stores them.</summary>
    public const string StoredWeights = "stored";

    /// <summary>The first 12 digits, for people.</summary>
    public string Short => Hex.Length > 12 ? Hex[..12] : Hex;

    /// <summary>SHA-256 of a model's configuration, 32 bytes: what whoever has only the configuration knows the model by.</summary>
    public static byte[] ConfigHash(ModelConfig config) => SHA256.HashData(config.ToCanonicalBytes());

    /// <summary>How the identity names the format of weights: <see cref="StoredWeights"/>, q8_0, q4_0.</summary>
    public static string WeightsName(WeightFormat? weights) => weights is { } format ? WeightFormats.Name(format) : StoredWeights;

    /// <summary>The identity of a model under an arithmetic.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="manifest">Its tensors.</param>
    /// <param name="numericsClass">Name of the kernels' arithmetic.</param>
    /// <param name="weights">The format that matrices are brought to while they are loaded; null: as stored.</param>
    public static ModelIdentity Compute(ModelConfig config, ModelManifest manifest, string numericsClass, WeightFormat? weights = null)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(config.ToCanonicalBytes());
        hash.AppendData(Encoding.UTF8.GetBytes($"manifest={Convert.ToHexStringLower(manifest.Hash.Span)}\nweights={WeightsName(weights)}\nnumerics={numericsClass}\n"));
        return new ModelIdentity(Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>The 32 bytes.</summary>
    public byte[] ToBytes() => Convert.FromHexString(Hex);

    /// <inheritdoc/>
    public override string ToString() => Hex;
}
