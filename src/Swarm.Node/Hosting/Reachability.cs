using Microsoft.Extensions.Logging;
using Swarm.Protocol;
using Swarm.Protocol.Reachability;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Hosting;

/// <summary>
/// Has other nodes dial this one back, at its start and, as long as they cannot reach it, again and again. <see cref="ReachabilityRule"/> says what their answers mean.
/// </summary>
/// <param name="ask">Has a peer dial back.</param>
/// <param name="peers">Whom to ask, best first; empty for a founder alone.</param>
/// <param name="port">Where this node listens.</param>
/// <param name="standing">Is told the verdict and the addresses.</param>
/// <param name="reached">Others reach the node that they did not.</param>
/// <param name="time">Paces the attempts.</param>
/// <param name="random">Spreads them.</param>
/// <param name="logger">Told of peers that cannot be asked.</param>
internal sealed partial class Reachability(
    Func<PeerEndpoint, CancellationToken, Task<DialBackAnswer>> ask, Func<IReadOnlyList<PeerEndpoint>> peers, int port, NodeStanding standing, Func<Task> reached,
    TimeProvider time, IRandomSource random, ILogger logger)
{
    private const int Asked = 3;
    private const double Jitter = 0.2;
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private string? _reason;

    /// <summary>Asks once. Where nobody can be asked, the node counts as reachable.</summary>
    /// <returns>Why nobody reaches this node, or null.</returns>
    public async Task<string?> CheckAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<PeerEndpoint> known = peers();
        DialBackAnswer?[] asked = await Task.WhenAll(known.Take(Asked).Select(peer => AskAsync(peer, cancellationToken)));
        DialBackAnswer[] answers = [.. asked.Where(answer => answer is not null).Select(answer => answer!.Value)];
        // That nobody can be asked now does not make a node reachable that was not.
        if (_reason is not null && answers.All(answer => answer.Outcome == DialBackOutcome.NotTried))
            return _reason;
        standing.Addresses = [.. ReachabilityRule.Addresses(standing.Addresses, answers)];
        _reason = ReachabilityRule.Verdict(answers, port);
        standing.IsUnreachable = _reason is not null;
        return _reason;
    }

    /// <summary>Goes on asking, with growing pauses, until others reach the node or it is cancelled. Returns at once for a node that is reached.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        TimeSpan pause = FirstPause;
        try
        {
            while (standing.IsUnreachable)
            {
                await Task.Delay(random.Jitter(pause, Jitter), time, cancellationToken);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
                if (await CheckAsync(cancellationToken) is null)
                    await reached();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    private async Task<DialBackAnswer?> AskAsync(PeerEndpoint peer, CancellationToken cancellationToken)
    {
        try
        {
            return await ask(peer, cancellationToken);
        }
        catch (SwarmException exception)
        {
            LogNotAsked(peer, exception.Message);
            return null;
        }
    }

    [LoggerMessage(LogLevel.Debug, "{Peer} cannot be asked to dial back: {Reason}")]
    private partial void LogNotAsked(PeerEndpoint peer, string reason);
}
