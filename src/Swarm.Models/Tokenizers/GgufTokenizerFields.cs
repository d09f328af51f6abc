namespace Swarm.Models.Tokenizers;

/// <summary>The <c>tokenizer.ggml.*</c> values of a GGUF file.</summary>
internal sealed record GgufTokenizerFields
{
    public required string Model { get; init; }

    public string Pre { get; init; } = "default";

    public required string[] Tokens { get; init; }

    public int[]? Types { get; init; }

    public float[]? Scores { get; init; }

    public string[]? Merges { get; init; }

    public int? Bos { get; init; }

    public int? Eos { get; init; }

    public int? EndOfTurn { get; init; }

    public int? Unknown { get; init; }

    public int? Padding { get; init; }

    public bool? AddBos { get; init; }

    public bool? AddEos { get; init; }

    public bool? AddSpacePrefix { get; init; }
}
