using Microsoft.Extensions.Logging;
using Swarm.Models;
using Swarm.Node.Placement;
using Swarm.Protocol;

namespace Swarm.Node.Hosting;

/// <summary>
/// Takes the blocks that the swarm needs most, at the start and whenever it changes. Holds no rules: <see cref="PlacementRule"/> and <see cref="RebalanceRule"/> decide, this announces,
/// waits, asks again, and has the blocks moved.
/// </summary>
/// <param name="standing">What is announced.</param>
/// <param name="view">What is known of the model's nodes now.</param>
/// <param name="announce">Announces the standing as it is when it is called.</param>
/// <param name="move">Serves other blocks; asks before it drops any; false when it was told no.</param>
/// <param name="time">Paces the loop.</param>
/// <param name="random">Keeps nodes that started together from asking together.</param>
/// <param name="logger">Told what was decided.</param>
internal sealed partial class PlacementLoop(
    NodeStanding standing, Func<PlacementSnapshot> view, Func<Task> announce, Func<BlockSpan, Func<CancellationToken, Task<bool>>, CancellationToken, Task<bool>> move,
    TimeProvider time, IRandomSource random, ILogger logger)
{
    private const double Jitter = 0.33;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(300);

    /// <summary>The blocks to begin with; they are announced as confirmed intent when this ends.</summary>
    public async Task<BlockSpan> ChooseAsync(CancellationToken cancellationToken)
    {
        PlacementNode self = Self();
        BlockSpan chosen = PlacementRule.Choose(view(), self);
        bool alone = view().Nodes.All(node => node.Peer == self.Peer);
        for (int round = 0; round < PlacementRule.MostRounds && !alone && PlacementRule.NeedsTurn(view(), self); round++)
        {
            await IntendAsync(chosen, confirmed: false);
            await Task.Delay(RebalanceRule.Turn, time, cancellationToken);
            BlockSpan again = PlacementRule.Choose(view(), Self());
            if (again == chosen)
                break;
            LogChanged(chosen, again);
            chosen = again;
        }

        await IntendAsync(chosen, confirmed: true);
        return chosen;
    }

    /// <summary>Moves when the rules say so, until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        PlacementHistory history = PlacementHistory.Empty;
        try
        {
            while (true)
            {
                await Task.Delay(random.Jitter(Interval, Jitter), time, cancellationToken);
                PlacementNode self = Self();
                if (RebalanceRule.Propose(view(), self, history, time.GetUtcNow()) is { } proposed && await ConfirmAsync(proposed, cancellationToken))
                {
                    await MoveAsync(proposed, cancellationToken);
                    history = history.Moved(time.GetUtcNow());
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    private PlacementNode Self() => PlacementView.Of(standing.Entry(0));

    private Task IntendAsync(BlockSpan? intent, bool confirmed)
    {
        standing.Intend(intent, confirmed);
        return announce();
    }

    private async Task<bool> ConfirmAsync(PlacementMove proposed, CancellationToken cancellationToken)
    {
        await IntendAsync(proposed.To, confirmed: false);
        long start = time.GetTimestamp();
        while (true)
        {
            await Task.Delay(random.Jitter(AskAgain, Jitter), time, cancellationToken);
            PlacementNode self = Self();
            MoveVerdict verdict = self.State == PlacementState.Serving && self.Blocks == proposed.From
                ? RebalanceRule.Confirm(view(), self, proposed, time.GetElapsedTime(start), time.GetUtcNow())
                : MoveVerdict.Yield;
            if (verdict == MoveVerdict.Wait)
                continue;
            bool go = verdict == MoveVerdict.Go;
            if (!go)
                LogYielded(proposed);
            await IntendAsync(go ? proposed.To : null, confirmed: go);
            return go;
        }
    }

    private async Task MoveAsync(PlacementMove confirmed, CancellationToken cancellationToken)
    {
        bool moved = false;
        try
        {
            moved = await move(confirmed.To, stop => MayDropAsync(confirmed, stop), cancellationToken);
            if (!moved)
                LogKept(confirmed);
        }
        catch (Exception exception) when (exception is SwarmException or ModelException)
        {
            LogFailed(confirmed, exception.Message);
        }
        finally
        {
            standing.Intend(null, false);
        }

        if (!moved)
            await announce();
    }

    // Whether others still serve what would be dropped; they may be on their way as well.
    private async Task<bool> MayDropAsync(PlacementMove confirmed, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        while (!RebalanceRule.MayDrop(view(), Self(), confirmed))
        {
            if (time.GetElapsedTime(start) >= RebalanceRule.LongestWait)
                return false;
            await Task.Delay(random.Jitter(AskAgain, Jitter), time, cancellationToken);
        }

        return true;
    }

    [LoggerMessage(LogLevel.Debug, "another claim came first: blocks {Again} in place of {Chosen}")]
    private partial void LogChanged(BlockSpan chosen, BlockSpan again);

    [LoggerMessage(LogLevel.Debug, "not moving from {Move}: a better claim fills the gap, or a block would lose its last replica")]
    private partial void LogYielded(PlacementMove move);

    [LoggerMessage(LogLevel.Information, "not moving from {Move}: nobody else serves all that would be dropped")]
    private partial void LogKept(PlacementMove move);

    [LoggerMessage(LogLevel.Warning, "moving from {Move} failed: {Reason}")]
    private partial void LogFailed(PlacementMove move, string reason);
}
