using Polly;
using Polly.Retry;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>
/// Opens a broken chain anew: looks at what broke it (<see cref="TroubleRules"/>), plans the lost blocks (<see cref="RecoveryPlan"/>), opens the next epoch, fills the
/// first hop, and tries again where that fails too, until the grace time is over. Hops that keep the session are told meanwhile to go on keeping it. The loop holds no rules.
/// </summary>
internal sealed class ChainMender(RemoteChainSession session, ChainSurroundings around, TroubleRules rules, TimeSpan grace, MendCause cause)
{
    // Tried at least so often, however long that takes.
    private const int LeastAttempts = 3;

    private static readonly TimeSpan DialPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan OpenPatience = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan LookPatience = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _over = new();
    private SwarmException? _missing;
    private SwarmException? _last;
    private bool _opening;
    private bool _polite = cause.IsPolite;
    private TimeSpan _patience = OpenPatience;

    private TimeSpan Now => around.Time.GetElapsedTime(0, around.Time.GetTimestamp());

    /// <summary>Ends when the session goes on, or has been told why not.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Never in the reading loop of the link that brought the news.
        await Task.Yield();
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_over.Token, cancellationToken);
        Task keeping = KeepAliveAsync(both.Token);
        ResilienceContext context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: true, cancellationToken);
        try
        {
            if (session.Trying.Attempts > 0)
                await Task.Delay(around.Random.Jitter(FirstWait * Math.Min(1 << Math.Min(session.Trying.Attempts, 4), 10), 0.5), around.Time, cancellationToken);
            if (!await Pipeline().ExecuteAsync(static async (resilience, self) => await self.TryAsync(resilience.CancellationToken), context, this))
                session.End(await ReasonAsync(cancellationToken), ChainState.Stranded);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The session was closed.
        }
        catch (Exception exception)
        {
            // A defect must not leave the caller waiting.
            session.End(
                exception as SwarmException ?? new SwarmException(FaultKind.Internal, $"mending the chain: {exception.Message}", inner: exception), ChainState.Failed);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
            _over.Cancel();
            await keeping;
            _over.Dispose();
        }
    }

    /// <summary>What the best that others announce makes of a token's time over a hop's blocks; zero: nobody promises anything.</summary>
    public static TimeSpan Alternative(ChainSurroundings around, IReadOnlyList<ChainHop> hops, ChainHop hop, int room)
    {
        DirectorySnapshot snapshot = around.Directory.Snapshot;
        IEnumerable<RouteCandidate> others = snapshot.Nodes
            .Where(node => node.IsServing && node.BlockTime > TimeSpan.Zero && hops.All(used => used.Peer != node.Peer)).Select(RouteCandidate.Of);
        try
        {
            IReadOnlyList<ChainHop> patch = RoutePlanner.Plan(others, hop.Blocks, room);
            TimeSpan time = RoutePlanner.HopTime * (patch.Count - 1);
            foreach (ChainHop part in patch)
                time += HopObserver.TokenTime(snapshot.Find(part.Peer!.Value)!, part);
            return time;
        }
        catch (SwarmException)
        {
            return TimeSpan.Zero;
        }
    }

    private ResiliencePipeline<bool> Pipeline() => new ResiliencePipelineBuilder<bool> { TimeProvider = around.Time }
        .AddRetry(new RetryStrategyOptions<bool>
        {
            ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is null && !arguments.Outcome.Result && HasTime()),
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = FirstWait,
            MaxDelay = LongestWait,
            Randomizer = around.Random.NextDouble,
        })
        .Build();

    private bool HasTime()
    {
        (int attempts, long? since) = session.Trying;
        return attempts < LeastAttempts || since is not { } begun || around.Time.GetElapsedTime(begun) < grace;
    }

    // True: nothing more to do here.
    private async Task<bool> TryAsync(CancellationToken cancellationToken)
    {
        session.CountAttempt();
        if (!Judge())
            return true;
        if (await PlanAsync(cancellationToken) is not { } hops)
        {
            if (!_polite)
                return false;
            session.Stay();
            return true;
        }

        if (session.Begin(hops) is not { } epoch)
            return true;
        _opening = true;
        _polite = false;
        try
        {
            Opened opened = await session.OpenAsync(epoch, DialPatience, _patience, cancellationToken);
            if (!await session.ResumeAsync(epoch, opened, cause, cancellationToken))
                return false;
        }
        catch (SwarmException exception)
        {
            // What the chain itself told is among its troubles already.
            if (epoch.Fault is null)
                session.Break(epoch, exception);
            _last = exception;
            return false;
        }
        catch (TimeoutException)
        {
            OnSilence(epoch);
            return false;
        }

        rules.OnMended();
        foreach (ChainHop left in session.TakeLeft())
        {
            if (around.Directory.Snapshot.Find(left.Peer!.Value) is not null)
                _ = session.TellAsync(left, new LinkFrame { Close = new CloseSession() });
        }

        return true;
    }

    // False: the session has ended by what came.
    private bool Judge()
    {
        foreach (ChainTrouble trouble in session.TakeTroubles())
        {
            _last = trouble.Fault;
            if (cause.Reason is null)
            {
                cause.Reason = trouble.Fault.Code;
                cause.Peer = trouble.Peer;
                if (trouble.Fault.Blocks is { } blocks)
                    cause.Blocks = new BlockSpan(blocks.First, blocks.End);
            }

            TroubleVerdict verdict = rules.Judge(trouble, _opening, Now);
            if (verdict.Report)
                around.Directory.ReportFailure(trouble.Peer!.Value, trouble.Fault.Fault);
            if (verdict.Suspect)
                around.Directory.Suspect(trouble.Peer!.Value);
            if (verdict.Response != FaultResponse.Fail)
                continue;
            session.End(trouble.Fault, ChainState.Failed);
            return false;
        }

        return true;
    }

    // Null: nobody serves what is missing.
    private async Task<IReadOnlyList<ChainHop>?> PlanAsync(CancellationToken cancellationToken)
    {
        if (Plan(around.Directory.Snapshot, strict: true, session.Room) is { } atOnce)
            return atOnce;
        if (_polite)
            return null;
        try
        {
            // Nodes may have come since the last look, or come back.
            await around.Look().Here().WaitAsync(LookPatience, around.Time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // It goes on; what it has found already counts.
        }

        DirectorySnapshot snapshot = around.Directory.Snapshot;
        return Plan(snapshot, strict: true, session.Room) ?? Plan(snapshot, strict: false, session.Room) ?? Plan(snapshot, strict: false, 0);
    }

    // Strict: around everybody that the session avoids. Otherwise only around those who are not seen at all.
    private IReadOnlyList<ChainHop>? Plan(DirectorySnapshot snapshot, bool strict, int room)
    {
        IReadOnlySet<PeerId> avoided = rules.Avoided(Now);
        IReadOnlyList<ChainHop> hops = session.Hops;
        HashSet<PeerId> lost = [.. hops.Select(hop => hop.Peer!.Value).Where(peer => avoided.Contains(peer) && (strict || snapshot.Find(peer) is null))];
        RouteCandidate[] candidates =
            [.. snapshot.Nodes.Where(node => node.IsServing && !(strict && avoided.Contains(node.Peer))).Select(RouteCandidate.Of)];
        try
        {
            IReadOnlyList<ChainHop> plan = RecoveryPlan.Make(hops, lost, candidates, room, around.Mode, around.Random);
            return [.. plan.Select(hop => snapshot.Find(hop.Peer!.Value) is { } node ? hop with { Endpoint = node.Endpoint } : hop)];
        }
        catch (SwarmException exception)
        {
            _missing = exception;
            return null;
        }
    }

    // Nobody said what is wrong. Those who are new to the chain are the likeliest; the next try has more patience.
    private void OnSilence(ChainEpoch epoch)
    {
        _last = new SwarmException(FaultKind.PeerUnreachable, $"{epoch.Hops[0].Address}: the chain was not open within {_patience.TotalSeconds:0.#} s", epoch.Hops[0].Peer);
        foreach (ChainHop hop in epoch.Hops)
        {
            around.Directory.Suspect(hop.Peer!.Value);
            if (session.Route.Hops.All(before => before.Peer != hop.Peer))
                rules.Avoid(hop.Peer!.Value, Now);
        }

        _patience = _patience * 2 < around.Patience ? _patience * 2 : around.Patience;
    }

    private async Task<SwarmException> ReasonAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Is nobody left, or does nobody let this client in any more?
            if (await around.FindRefusal(cancellationToken).Here().WaitAsync(LookPatience, around.Time, cancellationToken) is { } refusal)
                return refusal;
        }
        catch (TimeoutException)
        {
            // Then it is as it seems.
        }

        FaultKind kind = (_missing ?? _last)?.Fault == FaultKind.NoCapacity ? FaultKind.NoCapacity : FaultKind.NoRoute;
        (int First, int End) blocks = _missing?.Blocks ?? (cause.Blocks.Count > 0 ? (cause.Blocks.Start, cause.Blocks.End) : _last?.Blocks) ?? (session.Blocks.Start, session.Blocks.End);
        string who = _last is { } last ? $"; {last.Message}" : "";
        return new SwarmException(
            kind, $"blocks {blocks.First}:{blocks.End}: nobody else serves them, and none came within {grace.TotalSeconds:0.#} s{who}", cause.Peer, blocks, _last);
    }

    private async Task KeepAliveAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(ChainTiming.KeepAlive, around.Time, cancellationToken);
                IReadOnlySet<PeerId> avoided = rules.Avoided(Now);
                foreach (ChainHop hop in session.Holders)
                {
                    if (!avoided.Contains(hop.Peer!.Value) && around.Directory.Snapshot.Find(hop.Peer.Value) is not null)
                        _ = session.TellAsync(hop, new LinkFrame { KeepAlive = new KeepAlive() });
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Mended, or given up.
        }
    }
}
