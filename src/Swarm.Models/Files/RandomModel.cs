using System.Globalization;
using Swarm.Kernels;
using Swarm.Models.Families;

namespace Swarm.Models.Files;

/// <summary>
/// Chooses the shape of a seeded random model from its name, <c>random:SIZE:FORMAT[:SEED[:WINDOW[/N]]]</c>, such as <c>random:1GiB:q4_0</c>: the Llama shape with tied ends, about that many
/// bytes of weights, at least 12 blocks where the size allows, and heads, feed-forward width and vocabulary in the proportions of published models of that size. With a window its blocks see
/// so many positions, but for every N-th, which sees all.
/// </summary>
internal static class RandomModel
{
    public const string Prefix = "random:";
    private const long LeastBytes = 16 << 10;
    private const long MostBytes = 1L << 40;
    private const int LeastBlocks = 12;

    public static (ModelConfig Config, RandomTensors Tensors) Parse(string spec)
    {
        string[] parts = spec.Split(':');
        if (parts.Length is < 3 or > 5)
            throw Invalid(spec, "random:SIZE:FORMAT[:SEED[:WINDOW[/N]]], such as random:1GiB:q4_0");
        long bytes = ParseBytes(parts[1]);
        if (bytes is < LeastBytes or > MostBytes)
            throw Invalid(spec, $"a size from {LeastBytes} bytes to {MostBytes}, such as 512MiB");
        if (!Enum.TryParse(parts[2], ignoreCase: true, out WeightFormat format) || !Enum.IsDefined(format) || char.IsAsciiDigit(parts[2][0]))
            throw Invalid(spec, $"a format of {string.Join(", ", Enum.GetNames<WeightFormat>().Select(name => name.ToLowerInvariant()))}");
        ulong seed = 0;
        if (parts.Length >= 4 && !ulong.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out seed))
            throw Invalid(spec, "a seed that is a non-negative integer");
        ModelConfig config = ChooseShape(bytes, format);
        double least = (BlockValues(config) + (double)config.Vocabulary * config.Hidden) * WeightFormats.GroupBytes(format) / WeightFormats.GroupLength(format);
        if (config.Blocks == 1 && WeightFormats.GroupLength(format) > 64 && least > 2 * bytes)
            throw Invalid(spec, $"at least {(long)(least / 2) / 1024 + 1}KiB for {WeightFormats.Name(format)}, whose rows are multiples of {WeightFormats.GroupLength(format)}");
        if (parts.Length == 5)
            config = WithWindow(config, spec, parts[4]);
        return (config, new RandomTensors(config, format, seed));
    }

    private static ModelConfig WithWindow(ModelConfig config, string spec, string text)
    {
        string[] parts = text.Split('/');
        int each = 0;
        if (parts.Length > 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int window) || window < 1
            || (parts.Length == 2 && (!int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out each) || each < 2)))
        {
            throw Invalid(spec, "a window of at least 1 position, and of every N-th block that has none an N of at least 2, such as 128/2");
        }

        return config with { Window = window, WindowedBlocks = each == 0 ? [] : [.. Enumerable.Range(1, config.Blocks).Select(block => block % each != 0)] };
    }

    private static ModelConfig ChooseShape(long bytes, WeightFormat format)
    {
        double valueBytes = (double)WeightFormats.GroupBytes(format) / WeightFormats.GroupLength(format);
        double values = bytes / valueBytes;

        // Rows are whole groups.
        int unit = Math.Max(64, WeightFormats.GroupLength(format));
        ModelConfig best = Shape(unit, unit, 1, 256);

        // The widest model that still has a published model's depth for its width; small ones at least LeastBlocks.
        for (int hidden = unit; hidden <= 16_384; hidden += hidden < 1024 ? unit : 256)
        {
            int vocabulary = Math.Clamp((int)(values / 16 / hidden) / 64 * 64, 256, 32_768);
            double perBlock = BlockValues(Shape(hidden, unit, 1, vocabulary));
            int blocks = (int)Math.Round((values - (double)vocabulary * hidden) / perBlock);
            if (blocks < Math.Max(LeastBlocks, hidden / 128))
            {
                if (hidden == unit)
                    best = Shape(hidden, unit, Math.Max(1, blocks), vocabulary);
                break;
            }

            best = Shape(hidden, unit, Math.Min(blocks, ConfigLimits.Blocks), vocabulary);
        }

        return best;
    }

    private static double BlockValues(ModelConfig config)
    {
        double queries = config.Heads * config.HeadDimension;
        double keys = config.KeyValueHeads * config.HeadDimension;
        return config.Hidden * (2 * queries + 2 * keys + 3.0 * config.FeedForward);
    }

    private static ModelConfig Shape(int hidden, int unit, int blocks, int vocabulary)
    {
        int headDimension = hidden >= 2048 ? 128 : hidden >= 256 ? 64 : 32;
        int heads = hidden / headDimension;
        return new ModelConfig
        {
            Family = "llama",
            Naming = TensorNaming.HuggingFace,
            Blocks = blocks,
            Hidden = hidden,
            Heads = heads,
            KeyValueHeads = heads % 4 == 0 ? heads / 4 : heads % 3 == 0 ? heads / 3 : heads % 2 == 0 ? heads / 2 : 1,
            HeadDimension = headDimension,
            FeedForward = (hidden * 11 / 4 + unit - 1) / unit * unit,
            Vocabulary = vocabulary,
            Context = 8192,
            NormEpsilon = 1e-5f,
            Rotary = new RotaryConfig { Theta = 100_000, Layout = RotaryLayout.HalfSplit, Dimension = headDimension },
            TiedEnds = true,
        };
    }

    private static long ParseBytes(string text)
    {
        (string Unit, long Bytes)[] units =
            [("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("B", 1)];
        foreach ((string unit, long bytes) in units)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
                && number * bytes <= MostBytes)
            {
                return (long)(number * bytes);
            }
        }

        return 0;
    }

    private static ModelException Invalid(string spec, string expected) =>
        new(ModelError.InvalidArgument, $"model {spec}, expected {expected}");
}
