using System.Globalization;
using System.Text;
using Swarm.Kernels;

namespace Swarm.Models;

/// <summary>Shape of a transformer: everything that is known of it without its weights.</summary>
public sealed record ModelConfig
{
    /// <summary>Name of the family whose code reads and runs it, such as <c>llama</c>.</summary>
    public required string Family { get; init; }

    /// <summary>Whose names its tensors bear.</summary>
    public required TensorNaming Naming { get; init; }

    /// <summary>Transformer blocks.</summary>
    public required int Blocks { get; init; }

    /// <summary>Values of a hidden state.</summary>
    public required int Hidden { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key-value heads; divides <see cref="Heads"/>.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Values of a head.</summary>
    public required int HeadDimension { get; init; }

    /// <summary>Inner values of the feed-forward part.</summary>
    public required int FeedForward { get; init; }

    /// <summary>Token ids run from 0 to below this.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Most positions of a session.</summary>
    public required int Context { get; init; }

    /// <summary>Added to the mean square (or the variance) in norms.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>Rotary position embedding; of dimension 0 where nothing turns.</summary>
    public required RotaryConfig Rotary { get; init; }

    /// <summary>Rotary embedding of blocks with a window, where it is another one.</summary>
    public RotaryConfig? WindowRotary { get; init; }

    /// <summary>Positions that blocks with a window see, their own among them; 0 where none has one.</summary>
    public int Window { get; init; }

    /// <summary>Which blocks have the window; empty where all have.</summary>
    public IReadOnlyList<bool> WindowedBlocks { get; init; } = [];

    /// <summary>Factor on scores of attention; null for 1/√HeadDimension.</summary>
    public float? AttentionScale { get; init; }

    /// <summary>A score s becomes AttentionSoftCap · tanh(s ÷ AttentionSoftCap); 0 for none.</summary>
    public float AttentionSoftCap { get; init; }

    /// <summary>How a token knows where it stands, beside what turns.</summary>
    public PositionKind Positions { get; init; }

    /// <summary>Factor on embeddings.</summary>
    public float EmbeddingScale { get; init; } = 1;

    /// <summary>Embeddings go through a norm.</summary>
    public bool EmbeddingNorm { get; init; }

    /// <summary>A logit l becomes LogitSoftCap · tanh(l ÷ LogitSoftCap); 0 for none.</summary>
    public float LogitSoftCap { get; init; }

    /// <summary>The head has a bias.</summary>
    public bool HeadBias { get; init; }

    /// <summary>What norms compute.</summary>
    public NormKind Norm { get; init; }

    /// <summary>Where in a block its norms are.</summary>
    public NormPlacement NormPlacement { get; init; }

    /// <summary>How a block's two parts are joined.</summary>
    public BlockWiring Wiring { get; init; }

    /// <summary>Norms of queries and keys before they are turned.</summary>
    public QueryKeyNorm QueryKeyNorm { get; init; }

    /// <summary>Between the maps of the feed-forward part.</summary>
    public Activation Activation { get; init; }

    /// <summary>The activation is a gate on another product; else it stands between two maps.</summary>
    public bool GatedFeedForward { get; init; } = true;

    /// <summary>Each query head has a further score, of which the weights' sum takes part and no value.</summary>
    public bool AttentionSinks { get; init; }

    /// <summary>The mixture of experts; null where all blocks are dense.</summary>
    public ExpertConfig? Experts { get; init; }

    /// <summary>Latent attention; null for grouped queries.</summary>
    public LatentConfig? Latent { get; init; }

    /// <summary>The head is the embedding's matrix.</summary>
    public bool TiedEnds { get; init; }

    /// <summary>Query, key and value projections have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Attention's output projection has a bias.</summary>
    public bool AttentionOutputBias { get; init; }

    /// <summary>Feed-forward projections have biases.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>Id that a text begins with, where the model names one.</summary>
    public int? BeginToken { get; init; }

    /// <summary>Ids that end a text.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>All blocks.</summary>
    public BlockSpan AllBlocks => new(0, Blocks);

    /// <summary>What one block has of its own.</summary>
    /// <param name="index">Which block.</param>
    public BlockShape Block(int index)
    {
        bool windowed = Window != 0 && (WindowedBlocks.Count == 0 || WindowedBlocks[index]);
        return new BlockShape(windowed ? Window : 0, windowed && WindowRotary is { } own ? own : Rotary);
    }

    /// <summary>
    /// The bytes that stand for this configuration in a model's identity: one <c>name=value</c> a line, floats as the hex digits of their bits. Begin and end
    /// ids are left out: they change no number.
    /// </summary>
    public byte[] ToCanonicalBytes()
    {
        var text = new StringBuilder("swarm-config-1\n");
        void Line(string name, string value) => text.Append(name).Append('=').Append(value).Append('\n');
        void Number(string name, int value) => Line(name, value.ToString(CultureInfo.InvariantCulture));
        void Bits(string name, float value) => Line(name, BitConverter.SingleToUInt32Bits(value).ToString("x8", CultureInfo.InvariantCulture));
        void Flag(string name, bool value) => Line(name, value ? "1" : "0");

        Line("family", Family);
        Line("naming", Naming.ToString());
        Number("blocks", Blocks);
        Number("hidden", Hidden);
        Number("heads", Heads);
        Number("keyValueHeads", KeyValueHeads);
        Number("headDimension", HeadDimension);
        Number("feedForward", FeedForward);
        Number("vocabulary", Vocabulary);
        Number("context", Context);
        Bits("rmsEpsilon", NormEpsilon);
        Line("rotaryLayout", Rotary.Layout.ToString());
        Number("rotaryDimension", Rotary.Dimension);
        Bits("rotaryTheta", Rotary.Theta);
        Line("rotaryScaling", Rotary.Scaling.ToString());
        Bits("rotaryFactor", Rotary.Factor);
        Bits("rotaryLow", Rotary.LowFrequencyFactor);
        Bits("rotaryHigh", Rotary.HighFrequencyFactor);
        Number("rotaryOriginalContext", Rotary.OriginalContext);
        Flag("tiedEnds", TiedEnds);
        Flag("attentionBias", AttentionBias);
        Flag("attentionOutputBias", AttentionOutputBias);
        Flag("feedForwardBias", FeedForwardBias);
        LaterLines();
        return Encoding.UTF8.GetBytes(text.ToString());

        // What other families brought along has a line only where it is not as in the first ones, whose identities stay.
        void LaterLines()
        {
            if (AttentionScale is { } scale)
                Bits("attentionScale", scale);
            if (AttentionSoftCap != 0)
                Bits("attentionSoftCap", AttentionSoftCap);
            if (Positions != PositionKind.Rotary)
                Line("positions", Positions.ToString());
            if (EmbeddingScale != 1)
                Bits("embeddingScale", EmbeddingScale);
            if (EmbeddingNorm)
                Flag("embeddingNorm", true);
            if (LogitSoftCap != 0)
                Bits("logitSoftCap", LogitSoftCap);
            if (HeadBias)
                Flag("headBias", true);
            Turning("rotary", Rotary);
            if (WindowRotary is { } own)
            {
                Line("windowRotary", $"{own.Layout} {own.Dimension} {own.Scaling}");
                Bits("windowRotaryTheta", own.Theta);
                Bits("windowRotaryFactor", own.Factor);
                Turning("windowRotary", own);
            }

            if (Norm != NormKind.Rms)
                Line("norm", Norm.ToString());
            if (NormPlacement != NormPlacement.Before)
                Line("normPlacement", NormPlacement.ToString());
            if (Wiring != BlockWiring.Sequential)
                Line("wiring", Wiring.ToString());
            if (QueryKeyNorm != QueryKeyNorm.None)
                Line("queryKeyNorm", QueryKeyNorm.ToString());
            if (Activation != Activation.Silu)
                Line("activation", Activation.ToString());
            if (!GatedFeedForward)
                Flag("gatedFeedForward", false);
            if (Window != 0)
                Number("window", Window);
            if (Window != 0 && WindowedBlocks.Count > 0)
                Line("windowedBlocks", string.Concat(WindowedBlocks.Select(windowed => windowed ? '1' : '0')));
            if (AttentionSinks)
                Flag("attentionSinks", true);
            Experts?.WriteTo(Line);
            Latent?.WriteTo(Line);
        }

        void Turning(string name, RotaryConfig rotary)
        {
            if (rotary.Magnitude != 1)
                Bits($"{name}Magnitude", rotary.Magnitude);
            if (rotary.Scaling == RotaryScaling.Yarn)
            {
                Bits($"{name}BetaFast", rotary.BetaFast);
                Bits($"{name}BetaSlow", rotary.BetaSlow);
                Flag($"{name}Truncates", rotary.Truncates);
            }

            if (rotary.Factors.Count > 0)
                Line($"{name}Factors", string.Join(',', rotary.Factors.Select(factor => BitConverter.SingleToUInt32Bits(factor).ToString("x8", CultureInfo.InvariantCulture))));
        }
    }

    /// <summary>Checks what no single field shows; the readers of files have checked each field's range.</summary>
    /// <exception cref="ModelException">CorruptModel or UnsupportedModel, naming field, value and what was expected.</exception>
    internal ModelConfig Validated(string path)
    {
        if (Heads % KeyValueHeads != 0)
            throw new ModelException(ModelError.CorruptModel, $"{path}: {Heads} heads, expected a multiple of the {KeyValueHeads} key-value heads");
        if (HeadDimension % 8 != 0)
            throw new ModelException(ModelError.UnsupportedModel, $"{path}: head dimension {HeadDimension}, expected a multiple of 8");
        if (Rotary.Dimension % 2 != 0 || Rotary.Dimension > HeadDimension)
        {
            throw new ModelException(
                ModelError.CorruptModel, $"{path}: rotary dimension {Rotary.Dimension}, expected an even number up to the head dimension {HeadDimension}");
        }

        return this;
    }
}
