using Swarm.Client;
using Swarm.Protocol;

namespace Swarm.Simulation;

/// <summary>Runs one seed: starts the nodes, lets clients generate while the planned faults happen, and checks what must always be so.</summary>
public sealed class ScenarioRun : IDisposable
{
    /// <summary>A swarm in which nothing befalls anybody any more has come to rest by then.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>Leases of clients that are gone are free by then.</summary>
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(5);

    /// <summary>How long before an error its blocks may have been uncovered: what a client waits, and what it takes for the dead.</summary>
    private static readonly TimeSpan UncoveredTime = TimeSpan.FromSeconds(20);

    /// <summary>Who has come back is in everybody's sight by then.</summary>
    private static readonly TimeSpan ReturnTime = TimeSpan.FromSeconds(5);

    private readonly SimulationOptions _options;
    private readonly SortedDictionary<SimulatedFault, int> _faults = [];
    private readonly List<string> _violations = [];
    private readonly List<ScenarioClient> _clients = [];
    private readonly List<(int Node, TimeSpan From, TimeSpan To)> _absences = [];
    private readonly TaskCompletionSource _hung = new();
    private TimeSpan _start;
    private int _generations;
    private int _uncovered;
    private int _mismatches;
    private int _hangs;
    private long _tokens;
    private long _recoveries;
    private long _prefixTokens;

    public ScenarioRun(ulong seed, SimulationOptions options, TextCatalogue texts)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(texts);
        _options = options;
        Texts = texts;
        Plan = ScenarioPlan.Draw(seed, options, texts.Blocks);
        Swarm = new SimulatedSwarm(seed, options.Model, new RunTrace { Watch = options.Watch });
        Swarm.Network.Weather = Plan.Weather;
    }

    public ScenarioPlan Plan { get; }

    public SimulatedSwarm Swarm { get; }

    internal TextCatalogue Texts { get; }

    /// <summary>Time since all nodes serve.</summary>
    internal TimeSpan Now => Swarm.World.Elapsed - _start;

    /// <summary>Runs to the end.</summary>
    public RunResult Run()
    {
        try
        {
            Swarm.World.Run(LiveAsync);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Violate($"the run failed: {exception}");
        }

        return new RunResult
        {
            Seed = Plan.Seed,
            Generations = _generations,
            Tokens = _tokens,
            Recoveries = _recoveries,
            PrefixTokens = _prefixTokens,
            Uncovered = _uncovered,
            Faults = _faults,
            Mismatches = _mismatches,
            Hangs = _hangs,
            Violations = _violations,
            VirtualTime = Swarm.World.Elapsed,
            TraceHash = Swarm.Trace.Text,
        };
    }

    public void Dispose() => Swarm.Dispose();

    internal void OnGenerated(int client, GenerationResult result)
    {
        _generations++;
        _tokens += result.Tokens.Count;
        _recoveries += result.Recoveries;
        _prefixTokens += result.PrefixTokens;

        // Hops that were there all the time, and began at one position, sent every step straight on; of the last, one result may be ready before the client's attachment has come.
        IReadOnlyList<HopFigures> hops = result.Figures.Hops;
        if (result.Recoveries == 0 && result.Figures.Epoch == 0 && hops.All(hop => hop.PrefixTokens == result.PrefixTokens)
            && (hops.SkipLast(1).Any(hop => hop.ForwardedDirectly != result.Figures.Steps) || hops[^1].ForwardedDirectly < result.Figures.Steps - 1))
            Violate($"client {client}: {result.Figures.Steps} steps, forwarded directly by its hops: {string.Join(", ", result.Figures.Hops.Select(hop => hop.ForwardedDirectly))}");
    }

    internal void OnMismatch(int client, int entry, int token, int expected, int seen)
    {
        _mismatches++;
        Violate($"client {client}: token {token} of text {entry} is {seen}, undisturbed {expected}");
    }

    internal void OnFailed(int client, SwarmException exception, TimeSpan begun)
    {
        _generations++;
        if (exception.Fault == FaultKind.NoRoute && IsUncovered())
            _uncovered++;
        else
            Violate($"client {client}: a generation begun at {begun.TotalSeconds:F3} s failed though all blocks were served: {exception.Fault}: {exception.Message}");
    }

    internal void OnCrashed(int client, Exception exception) => Violate($"client {client}: {exception}");

    internal void OnConnectFailed(int client, SwarmException exception)
    {
        if (!IsUncovered())
            Violate($"client {client}: could not connect: {exception.Fault}: {exception.Message}");
    }

    private async Task<bool> LiveAsync()
    {
        for (int node = 0; node < Plan.Spans.Count; node++)
            await Swarm.StartAsync(Swarm.Add(Plan.Spans[node], _options.Speed, skew: Plan.Skews[node], rate: Plan.Rates[node]));
        _start = Swarm.World.Elapsed;
        for (int client = 0; client < Plan.Clients; client++)
            AddClient(client);
        Swarm.World.Plan(Plan.Length + Patience, () => _hung.TrySetResult());
        foreach (PlannedFault fault in Plan.Faults)
            Swarm.World.Plan(fault.At, () => Swarm.World.Watch(StrikeAsync(fault)));

        // Faults may add clients while others end.
        for (int client = 0; client < _clients.Count; client++)
            await Task.WhenAny(_clients[client].Ended, _hung.Task);
        await Task.WhenAny(WaitUntilOverAsync(), _hung.Task);
        foreach (ScenarioClient client in _clients.Where(client => !client.Ended.IsCompleted))
        {
            _hangs++;
            Violate($"{client.Process.Name} hangs: {client.Doing}");
        }

        if (_hangs > 0)
            return false;
        foreach (ScenarioClient client in _clients)
            await client.Ended;
        CheckSeen();
        foreach (ScenarioClient client in _clients)
            await client.LeaveAsync();
        await Task.Delay(LeaseTime, Swarm.World);
        CheckLeases();
        return true;
    }

    // The last fault's end lies after the last generation's, perhaps.
    private async Task WaitUntilOverAsync()
    {
        TimeSpan over = Plan.Faults.Select(fault => fault.At + fault.Duration).Append(TimeSpan.Zero).Max() + TimeSpan.FromSeconds(1);
        if (over > Now)
            await Task.Delay(over - Now, Swarm.World);
        foreach (SimulatedNode node in Swarm.Nodes)
        {
            while (node.Host is null)
                await Task.Delay(TimeSpan.FromSeconds(0.5), Swarm.World);
        }
    }

    private void AddClient(int number)
    {
        VirtualProcess process = Swarm.NewProcess($"client{_clients.Count}");
        var client = new ScenarioClient(this, number, process, new SeededRandomSource((Plan.Seed * 31) + (ulong)_clients.Count), Plan.Ends[number]);
        _clients.Add(client);
        client.Start();
    }

    private bool IsUncovered() => Plan.IsUncovered(Now - UncoveredTime, Now, _absences);

    private VirtualProcess? ProcessOf(int number) =>
        number < Swarm.Nodes.Count ? Swarm.Nodes[number].Process : _clients[number - Swarm.Nodes.Count].Process;

    private async Task StrikeAsync(PlannedFault fault)
    {
        SimulatedNode? node = fault.Kind == SimulatedFault.ClientLoss ? null : Swarm.Nodes[fault.Node];
        if (node is { Host: null })
            return;
        _faults[fault.Kind] = _faults.GetValueOrDefault(fault.Kind) + 1;
        Swarm.Trace.Add(Swarm.World.Elapsed, fault.Kind.ToString(), "", "fault", fault.Node);
        int absence = -1;
        if (fault.Kind is SimulatedFault.Kill or SimulatedFault.PowerLoss or SimulatedFault.Leave)
        {
            absence = _absences.Count;
            _absences.Add((fault.Node, Now, TimeSpan.MaxValue));
        }

        switch (fault.Kind)
        {
            case SimulatedFault.Kill or SimulatedFault.PowerLoss:
                node!.Kill(Swarm.Network, fault.Kind == SimulatedFault.PowerLoss);
                await Task.Delay(fault.Duration, Swarm.World);
                await RestartAsync(node);
                break;
            case SimulatedFault.Freeze:
                node!.Process!.Freeze();
                await Task.Delay(fault.Duration, Swarm.World);
                node.Process.Thaw();
                break;
            case SimulatedFault.Slow:
                node!.Slowness = 20;
                await Task.Delay(fault.Duration, Swarm.World);
                node.Slowness = 1;
                break;
            case SimulatedFault.Leave:
                await node!.LeaveAsync(fault.Duration);
                await RestartAsync(node);
                break;
            case SimulatedFault.Partition or SimulatedFault.OneWay:
                await PartAsync(node!.Process!, ProcessOf(fault.Other)!, fault.Kind == SimulatedFault.Partition, fault.Duration);
                break;
            case SimulatedFault.Cut:
                Swarm.Network.Cut(node!.Process!, ProcessOf(fault.Other)!);
                break;
            case SimulatedFault.Corruption:
                Swarm.Network.SetCorruption(node!.Process!, 0.3);
                await Task.Delay(fault.Duration, Swarm.World);
                Swarm.Network.SetCorruption(node.Process!, 0);
                break;
            default:
                // The other first: the story goes on as soon as nobody is left whom it waits for.
                ScenarioClient lost = _clients[fault.Node];
                AddClient(fault.Node);
                lost.Lose(fault.Node % 2 == 0);
                break;
        }

        if (absence >= 0)
            _absences[absence] = _absences[absence] with { To = Now + ReturnTime };
    }

    private async Task PartAsync(VirtualProcess one, VirtualProcess other, bool both, TimeSpan duration)
    {
        Swarm.Network.Block(one, other);
        if (both)
            Swarm.Network.Block(other, one);
        await Task.Delay(duration, Swarm.World);
        Swarm.Network.Unblock(one, other);
        Swarm.Network.Unblock(other, one);
    }

    // Others may be out of reach just then; an operator, or systemd, tries again.
    private async Task RestartAsync(SimulatedNode node)
    {
        while (true)
        {
            try
            {
                await Swarm.StartAsync(node);
                return;
            }
            catch (SwarmException exception) when (exception.Fault == FaultKind.PeerUnreachable)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), Swarm.World);
            }
        }
    }

    // Nobody who was never touched is out of anybody's sight.
    private void CheckSeen()
    {
        foreach (ScenarioClient client in _clients.Where(client => !client.Process.IsEnded))
        {
            HashSet<PeerId> seen = [.. client.Seen];
            foreach (SimulatedNode node in Swarm.Nodes.Where(node => Plan.IsSpared(node.Number) && !seen.Contains(node.Key.Id)))
                Violate($"{client.Process.Name} does not see node {node.Number}, which was well all the time");
        }
    }

    private void CheckLeases()
    {
        foreach (SimulatedNode node in Swarm.Nodes)
        {
            if (node.Host is { } host && (host.CacheBytesUsed != 0 || host.Sessions != 0))
                Violate($"node {node.Number} still holds {host.Sessions} sessions with {host.CacheBytesUsed} bytes {LeaseTime.TotalSeconds:0} s after the last client went");
        }
    }

    private void Violate(string what) => _violations.Add(FormattableString.Invariant($"{Now.TotalSeconds:F3} s: {what}"));
}
