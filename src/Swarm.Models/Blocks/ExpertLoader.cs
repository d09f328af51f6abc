using Swarm.Kernels;
using Swarm.Models.Families;

namespace Swarm.Models.Blocks;

/// <summary>
/// Brings a block's experts into memory: from a tensor for each, from stacks [experts, outputs, inputs], or from stacks in which gates and what they multiply are one; where those
/// are floats of the kind that is stored by inputs, they are turned.
/// </summary>
internal static class ExpertLoader
{
    /// <summary>Loads a block's mixture.</summary>
    /// <param name="loader">Where its tensors come from.</param>
    /// <param name="block">Which block.</param>
    /// <param name="config">Its shape.</param>
    /// <param name="interleaved">Rows of joined gates and what they multiply take turns, and floats are stored by inputs, as in gpt-oss.</param>
    public static ExpertFeedForward Load(TensorLoader loader, int block, ExpertConfig config, bool interleaved)
    {
        RouterShape router = config.Router;
        int hidden = loader.Config.Hidden;
        var experts = new Expert[router.Experts];
        for (int expert = 0; expert < experts.Length; expert++)
            experts[expert] = LoadExpert(loader, block, config, expert, interleaved);
        return new ExpertFeedForward(
            config,
            loader.Projection(TensorRole.Router, config.Biases ? TensorRole.RouterBias : null, block, router.Experts, hidden),
            config.Corrections ? loader.Vector(TensorRole.RouterCorrection, block, router.Experts) : [],
            experts,
            config.SharedFeedForward > 0 ? LoadShared(loader, block, config.SharedFeedForward) : null);
    }

    private static GatedFeedForward LoadShared(TensorLoader loader, int block, int width)
    {
        int hidden = loader.Config.Hidden;
        return new GatedFeedForward(
            loader.Config.Activation,
            loader.Projection(TensorRole.SharedGate, null, block, width, hidden),
            loader.Projection(TensorRole.SharedUp, null, block, width, hidden),
            loader.Projection(TensorRole.SharedDown, null, block, hidden, width));
    }

    private static Expert LoadExpert(TensorLoader loader, int block, ExpertConfig config, int expert, bool interleaved)
    {
        int hidden = loader.Config.Hidden, inner = config.FeedForward, count = config.Router.Experts;
        RowSlice Stacked(RowSlice slice, TensorRole role) => slice with
        {
            Matrices = count, Index = expert, Grouped = loader.Has(TensorRole.ExpertsGateUpBlocks, block), Transposed = interleaved && loader.FormatOf(role, block) is { } format && WeightFormats.GroupLength(format) == 1,
        };
        Projection Part(TensorRole role, TensorRole bias, RowSlice slice, int outputs, int inputs) =>
            loader.Projection(role, config.Biases ? bias : null, block, slice, outputs, inputs);

        bool grouped = loader.Has(TensorRole.ExpertsGateUpBlocks, block);
        if (grouped || loader.Has(TensorRole.ExpertsGateUp, block))
        {
            (RowSlice gates, RowSlice ups) = interleaved
                ? (new RowSlice(2 * inner, 0, 1, 2), new RowSlice(2 * inner, 1, 1, 2))
                : (RowSlice.Of(2 * inner, 0, inner), RowSlice.Of(2 * inner, inner, inner));
            TensorRole both = grouped ? TensorRole.ExpertsGateUpBlocks : TensorRole.ExpertsGateUp;
            TensorRole down = grouped ? TensorRole.ExpertsDownBlocks : TensorRole.ExpertsDown;
            return new Expert(
                Part(both, TensorRole.ExpertsGateUpBias, Stacked(gates, both), inner, hidden),
                Part(both, TensorRole.ExpertsGateUpBias, Stacked(ups, both), inner, hidden),
                Part(down, TensorRole.ExpertsDownBias, Stacked(RowSlice.All(hidden), down), hidden, inner));
        }

        if (loader.Has(TensorRole.ExpertsGate, block))
        {
            RowSlice Own(int rows) => RowSlice.All(rows) with { Matrices = count, Index = expert };
            return new Expert(
                Part(TensorRole.ExpertsGate, TensorRole.ExpertsGateBias, Own(inner), inner, hidden),
                Part(TensorRole.ExpertsUp, TensorRole.ExpertsUpBias, Own(inner), inner, hidden),
                Part(TensorRole.ExpertsDown, TensorRole.ExpertsDownBias, Own(hidden), hidden, inner));
        }

        return new Expert(
            loader.Projection(TensorRole.ExpertGate, null, block, RowSlice.All(inner) with { Expert = expert }, inner, hidden),
            loader.Projection(TensorRole.ExpertUp, null, block, RowSlice.All(inner) with { Expert = expert }, inner, hidden),
            loader.Projection(TensorRole.ExpertDown, null, block, RowSlice.All(hidden) with { Expert = expert }, hidden, inner));
    }
}
