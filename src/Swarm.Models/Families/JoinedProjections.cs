using Swarm.Models.Blocks;

namespace Swarm.Models.Families;

/// <summary>Which matrices of a block a file stores as one.</summary>
/// <param name="Query">Rows of the queries in <see cref="TensorRole.QueryKeyValue"/>; null where they have a tensor of their own.</param>
/// <param name="Key">Rows of the keys.</param>
/// <param name="Value">Rows of the values.</param>
internal readonly record struct JoinedProjections(RowSlice? Query, RowSlice? Key, RowSlice? Value)
{
    /// <summary>The gate lies before the up projection in <see cref="TensorRole.Up"/>.</summary>
    public bool GateAndUp { get; init; }

    /// <summary>Matrices are stored by inputs.</summary>
    public bool Transposed { get; init; }

    /// <summary>The same with matrices that are stored by inputs.</summary>
    public JoinedProjections ByInputs() => this with
    {
        Query = Query!.Value with { Transposed = true },
        Key = Key!.Value with { Transposed = true },
        Value = Value!.Value with { Transposed = true },
        Transposed = true,
    };

    /// <summary>Queries, keys and values one after the other.</summary>
    public static JoinedProjections InTurn(ModelConfig config)
    {
        int queries = config.Heads * config.HeadDimension;
        int keys = config.KeyValueHeads * config.HeadDimension;
        int all = queries + (2 * keys);
        return new JoinedProjections(RowSlice.Of(all, 0, queries), RowSlice.Of(all, queries, keys), RowSlice.Of(all, queries + keys, keys));
    }

    /// <summary>By key-value heads: for each its queries, its key and its value.</summary>
    public static JoinedProjections ByGroups(ModelConfig config)
    {
        int size = config.HeadDimension;
        int queries = config.Heads / config.KeyValueHeads * size;
        int stride = queries + (2 * size);
        int all = config.KeyValueHeads * stride;
        return new JoinedProjections(new RowSlice(all, 0, queries, stride), new RowSlice(all, queries, size, stride), new RowSlice(all, queries + size, size, stride));
    }
}
