namespace Swarm.Models.Blocks;

/// <summary>The norms of a block; null where it has none in a place.</summary>
/// <param name="BeforeAttention">Of what attention reads.</param>
/// <param name="AfterAttention">Of what attention gives.</param>
/// <param name="BeforeFeedForward">Of what feed-forward reads.</param>
/// <param name="AfterFeedForward">Of what feed-forward gives.</param>
internal sealed record BlockNorms(NormPart? BeforeAttention, NormPart? AfterAttention, NormPart? BeforeFeedForward, NormPart? AfterFeedForward)
{
    public long ResidentBytes =>
        (BeforeAttention?.ResidentBytes ?? 0) + (AfterAttention?.ResidentBytes ?? 0)
        + (BeforeFeedForward?.ResidentBytes ?? 0) + (AfterFeedForward?.ResidentBytes ?? 0);
}
