using Swarm.Models.Sampling;

namespace Swarm.Client;

/// <summary>Chooses here, from the session's logits.</summary>
internal sealed class LocalTokenChooser(InferenceSession session, SamplingOptions sampling) : ITokenChooser
{
    private readonly Sampler _sampler = new(sampling);

    public async ValueTask<int> PrefillAsync(ReadOnlyMemory<int> ids, int chunk, CancellationToken cancellationToken) =>
        Choose(await session.PrefillAsync(ids, chunk, cancellationToken));

    public async ValueTask<int> StepAsync(int tokenId, CancellationToken cancellationToken) =>
        Choose(await session.StepAsync(tokenId, cancellationToken));

    private int Choose(ReadOnlyMemory<float> logits) => _sampler.Sample(logits.Span, session.Ids, session.Length);
}
