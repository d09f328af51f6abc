using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>Memory between the operations of a mixture of experts, for passes of so many tokens; a token takes one row for each of its experts.</summary>
internal sealed class ExpertScratch(ModelConfig config, ExpertConfig experts, int tokens)
{
    private readonly int _rows = tokens * experts.Router.Chosen;

    /// <summary>[tokens, experts].</summary>
    public float[] Logits { get; } = new float[tokens * experts.Router.Experts];

    /// <summary>[tokens, chosen].</summary>
    public int[] Chosen { get; } = new int[tokens * experts.Router.Chosen];

    /// <summary>[tokens, chosen].</summary>
    public float[] Weights { get; } = new float[tokens * experts.Router.Chosen];

    /// <summary>Tokens of each expert, by experts: expert e has the rows from First[e] on.</summary>
    public int[] First { get; } = new int[experts.Router.Experts + 1];

    /// <summary>Of each row its token.</summary>
    public int[] Tokens { get; } = new int[tokens * experts.Router.Chosen];

    /// <summary>Of each row its weight.</summary>
    public float[] Factors { get; } = new float[tokens * experts.Router.Chosen];

    /// <summary>[rows, hidden]: what the experts read, then what they give.</summary>
    public float[] Rows { get; } = new float[tokens * experts.Router.Chosen * config.Hidden];

    /// <summary>[rows, inner].</summary>
    public float[] Inner { get; } = new float[tokens * experts.Router.Chosen * experts.FeedForward];

    /// <summary>[tokens, hidden].</summary>
    public float[] Sum { get; } = new float[tokens * config.Hidden];

    /// <summary>The experts with tokens.</summary>
    public GroupedProduct[] Groups { get; } = new GroupedProduct[Math.Min(experts.Router.Experts, tokens * experts.Router.Chosen)];

    /// <summary>Orders the chosen experts' rows by expert, then token.</summary>
    public void Order(int count)
    {
        int chosen = experts.Router.Chosen;
        Array.Clear(First);
        for (int i = 0; i < count * chosen; i++)
            First[Chosen[i] + 1]++;
        for (int expert = 0; expert < experts.Router.Experts; expert++)
            First[expert + 1] += First[expert];

        // Each expert's place moves on with its tokens and stands at the next one's afterwards.
        for (int i = 0; i < count * chosen; i++)
        {
            int row = First[Chosen[i]]++;
            Tokens[row] = i / chosen;
            Factors[row] = Weights[i];
        }

        Array.Copy(First, 0, First, 1, First.Length - 1);
        First[0] = 0;
    }

    /// <summary>Rows in all.</summary>
    public int Capacity => _rows;
}
