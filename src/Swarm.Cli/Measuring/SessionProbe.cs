using Swarm.Client;

namespace Swarm.Cli.Measuring;

/// <summary>Times prefill and decode of one session whose nodes have the ends: what the ids are does not change the time.</summary>
internal sealed class SessionProbe : IAsyncDisposable
{
    private readonly IChainSession _session;
    private readonly TimeProvider _time;
    private readonly int[] _ids;
    private readonly int[] _next = new int[1];

    private SessionProbe(IChainSession session, int number, int vocabulary, int positions, TimeProvider time)
    {
        _session = session;
        _time = time;
        _ids = [.. Enumerable.Range(0, positions).Select(i => (int)(((i + 1) * 7919L + number * 104_729L) % vocabulary))];
    }

    /// <param name="model">Whose nodes have the ends.</param>
    /// <param name="number">Sessions of different numbers have different ids.</param>
    /// <param name="positions">The most that prefill and decode reach.</param>
    /// <param name="time">Measures.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    public static async Task<SessionProbe> OpenAsync(LanguageModel model, int number, int positions, TimeProvider time, CancellationToken cancellationToken)
    {
        IChainSession session = await model.Chain.OpenAsync(
            new ChainSessionOptions { MaxPositions = positions, ExpectedPositions = positions, Ends = EndsMode.Swarm }, cancellationToken);
        return new SessionProbe(session, number, model.Config.Vocabulary, positions, time);
    }

    /// <summary>Seconds from empty caches to the id that follows the prompt.</summary>
    public async Task<double> PrefillAsync(int tokens, CancellationToken cancellationToken)
    {
        long start = _time.GetTimestamp();
        await _session.ForwardIdsAsync(_ids.AsMemory(0, tokens), 0, _next, cancellationToken);
        return _time.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Seconds that so many steps take, one after another, right after a prompt of <paramref name="position"/> tokens.</summary>
    public async Task<double> DecodeAsync(int position, int steps, CancellationToken cancellationToken)
    {
        long start = _time.GetTimestamp();
        for (int i = 0; i < steps; i++)
            await _session.ForwardIdsAsync(_ids.AsMemory(position + i, 1), position + i, _next, cancellationToken);
        return _time.GetElapsedTime(start).TotalSeconds;
    }

    public ValueTask DisposeAsync() => _session.DisposeAsync();
}
