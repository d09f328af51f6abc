using System.Collections.Frozen;

namespace Swarm.Models.Tokenizers;

/// <summary>The roles that a tokenizer's files give to tokens. A role that the files do not name is null.</summary>
public sealed class SpecialTokens
{
    /// <summary>Beginning of sequence.</summary>
    public int? Bos { get; init; }

    /// <summary>End of sequence. A model's own configuration may name more ids that end a generation.</summary>
    public int? Eos { get; init; }

    /// <summary>End of a turn or message where the file names one apart from <see cref="Eos"/>.</summary>
    public int? EndOfTurn { get; init; }

    public int? Unknown { get; init; }

    public int? Padding { get; init; }

    /// <summary>Every added token (special or not) by its text.</summary>
    public IReadOnlyDictionary<string, int> ByContent { get; init; } = FrozenDictionary<string, int>.Empty;
}
