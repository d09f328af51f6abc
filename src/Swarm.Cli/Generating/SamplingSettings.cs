using System.Security.Cryptography;
using Swarm.Cli.Framework;
using Swarm.Client;
using Swarm.Models.Sampling;
using Swarm.Protocol;

namespace Swarm.Cli.Generating;

/// <summary>The flags that say how to continue: shared by generate and chat.</summary>
internal static class SamplingSettings
{
    public static readonly Setting<int?> Tokens =
        new("tokens", "N", "most tokens to generate", Values.OptionalInteger(1, 16 << 20), null);

    public static readonly TextListSetting Stop = new("stop", "TEXT", "end before this text; may be given several times");

    private static readonly Setting<float> Temperature =
        new("temperature", "T", "0 takes the likeliest token (default), more is more varied", Values.Number(0, 100), 0);

    private static readonly Setting<int> TopK =
        new("top-k", "K", "choose among the K likeliest; 0: all (default)", Values.Integer(0, int.MaxValue), 0);

    private static readonly Setting<float> TopP =
        new("top-p", "P", "choose among the likeliest that together have probability P (default 1)", Values.Number(0, 1), 1);

    private static readonly Setting<float> MinP =
        new("min-p", "P", "leave out what is less likely than P times the likeliest (default 0)", Values.Number(0, 1), 0);

    private static readonly Setting<float> RepeatPenalty =
        new("repeat-penalty", "R", "make tokens that occurred less likely (default 1: no)", Values.Number(0.01f, 100), 1);

    private static readonly Setting<ulong?> Seed =
        new("seed", "S", "the same seed gives the same text (default: drawn anew where chance plays a part)", text => Values.Seed(text), null);

    private static readonly Setting<double> Grace = new(
        "grace", "SECONDS", "when the chain broke and nobody serves the blocks, look so long for a way (default 3.5)", Values.Seconds(86_400),
        ChainTiming.Grace.TotalSeconds);

    public static IReadOnlyList<ISetting> All { get; } = [Tokens, Temperature, TopK, TopP, MinP, RepeatPenalty, Seed, Stop, Grace, ModelOpening.NoPrefixCache];

    /// <summary>The options of these flags.</summary>
    public static GenerationOptions Read(CommandContext context, int defaultTokens)
    {
        float temperature = context.Get(Temperature);
        return new GenerationOptions
        {
            MaxTokens = context.Get(Tokens) ?? defaultTokens,
            StopTexts = context.Get(Stop),
            SharesPrefix = !context.Get(ModelOpening.NoPrefixCache),
            Codec = ModelOpening.Codec(context),
            RoundAt = context.Get(ModelOpening.RoundAt),
            Grace = TimeSpan.FromSeconds(context.Get(Grace)),
            Sampling = new SamplingOptions
            {
                Temperature = temperature,
                TopK = context.Get(TopK),
                TopP = context.Get(TopP),
                MinP = context.Get(MinP),
                RepeatPenalty = context.Get(RepeatPenalty),
                Seed = context.Get(Seed) ?? (temperature > 0 ? DrawSeed() : 0),
            },
        };
    }

    private static ulong DrawSeed()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    }
}
