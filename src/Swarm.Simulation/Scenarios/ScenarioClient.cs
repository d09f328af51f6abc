using Swarm.Client;
using Swarm.Protocol;

namespace Swarm.Simulation;

/// <summary>A client of a scenario: one generation after the other, each compared with the undisturbed one.</summary>
internal sealed class ScenarioClient(ScenarioRun run, int number, VirtualProcess process, SeededRandomSource random, EndsMode ends)
{
    private readonly TaskCompletionSource _lost = new();
    private SwarmClient? _client;

    public VirtualProcess Process => process;

    /// <summary>Ends with its last generation, or with the client.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    /// <summary>What it does now, for reports.</summary>
    public string Doing { get; private set; } = "connecting";

    public void Start() => Ended = Task.WhenAny(process.StartAsync(LiveAsync), _lost.Task);

    /// <summary>Ends it in the middle of what it does.</summary>
    public void Lose(bool silently)
    {
        run.Swarm.Network.Kill(process, silently);
        _lost.TrySetResult();
    }

    /// <summary>Peers that it sees.</summary>
    public IEnumerable<PeerId> Seen => _client?.Nodes.Select(node => node.Peer) ?? [];

    /// <summary>Leaves.</summary>
    public async Task LeaveAsync()
    {
        if (_client is not { } client || process.IsEnded)
            return;
        await process.StartAsync(async () =>
        {
            await client.DisposeAsync();
            return true;
        });
    }

    private async Task<bool> LiveAsync()
    {
        try
        {
            _client = await ConnectAsync();
            while (run.Now < run.Plan.Length)
                await GenerateAsync(_client);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            run.OnCrashed(number, exception);
        }

        Doing = "done";
        return true;
    }

    // Somebody of those that it knows is there; a fault may have struck the others.
    private async Task<SwarmClient> ConnectAsync()
    {
        while (true)
        {
            try
            {
                return await run.Swarm.ConnectAsync(process, ends);
            }
            catch (SwarmException exception) when (run.Now < run.Plan.Length + TimeSpan.FromSeconds(20))
            {
                run.OnConnectFailed(number, exception);
                await Task.Delay(TimeSpan.FromSeconds(1), process);
            }
        }
    }

    private async Task GenerateAsync(SwarmClient client)
    {
        int entry = (int)(random.NextUInt64() % TextCatalogue.Entries);
        int tokens = 1 + (int)(random.NextUInt64() % TextCatalogue.MostTokens);
        TimeSpan begun = run.Now;
        IReadOnlyList<int> expected = run.Texts.Text(entry, tokens);
        int seen = 0;
        Doing = FormattableString.Invariant($"opening for text {entry}, begun at {begun.TotalSeconds:F3} s");
        Generation generation = client.GenerateAsync(run.Texts.Prompt(entry), run.Texts.Options(entry, tokens));
        try
        {
            await foreach (GeneratedToken token in generation)
            {
                Doing = FormattableString.Invariant($"token {seen} of {tokens} of text {entry}, begun at {begun.TotalSeconds:F3} s");
                run.Swarm.Trace.Add(run.Swarm.World.Elapsed, process.Name, "", "token", token.Id);
                if (seen < expected.Count && expected[seen] != token.Id)
                {
                    run.OnMismatch(number, entry, seen, expected[seen], token.Id);
                    return;
                }

                seen++;
            }

            run.OnGenerated(number, generation.Result);
        }
        catch (SwarmException exception)
        {
            run.OnFailed(number, exception, begun);
            await Task.Delay(TimeSpan.FromMilliseconds(500), process);
        }
    }
}
