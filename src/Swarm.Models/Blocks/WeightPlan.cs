using Swarm.Kernels;
using Swarm.Models.Families;

namespace Swarm.Models.Blocks;

/// <summary>
/// In which format a matrix is held. As the file stores it, unless another is asked for: then float matrices are quantized while they are loaded. Embedding and head become Q8_0
/// under every choice: their rows are the tokens themselves, read one at a time or deciding the answer directly, and clients hold them. Routers of experts, positions' embeddings
/// and all vectors stay floats, and so does a matrix whose rows are no whole groups. What is quantized already stays as it is.
/// </summary>
internal static class WeightPlan
{
    /// <summary>Formats that can be asked for.</summary>
    public static IReadOnlyList<WeightFormat> Choices { get; } = [WeightFormat.Q8_0, WeightFormat.Q4_0];

    /// <summary>The format that a matrix is held in.</summary>
    /// <param name="asked">What is asked for; null: as stored.</param>
    /// <param name="role">What the matrix does; null where nobody knows, then it stays.</param>
    /// <param name="stored">The format that its rows come in.</param>
    /// <param name="columns">Values of a row.</param>
    public static WeightFormat Held(WeightFormat? asked, TensorRole? role, WeightFormat stored, long columns)
    {
        if (asked is not { } format || WeightFormats.GroupLength(stored) > 1 || columns % WeightFormats.GroupLength(format) != 0)
            return stored;
        return role switch
        {
            null or TensorRole.PositionEmbedding or TensorRole.Router => stored,
            TensorRole.Embedding or TensorRole.Head => WeightFormat.Q8_0,
            _ => format,
        };
    }
}
