using Microsoft.Extensions.Logging.Abstractions;
using Swarm.Node.Hosting;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Reachability;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests;

/// <summary>What a node concludes from others' dials back.</summary>
public sealed class ReachabilityTests
{
    private const int Port = 31330;
    private static readonly PeerAddress Outside = new("192.0.2.7", Port);
    private static readonly PeerAddress Local = new("10.0.0.5", Port);

    private readonly ManualTime _time = new();
    private readonly NodeStanding _standing = new(null!, default, null!, 0, null!, null!, null!) { Addresses = [Local] };
    private Func<DialBackAnswer> _answer = () => throw new SwarmException(FaultKind.PeerUnreachable, "nobody there");
    private int _peers = 3;
    private int _calls;
    private int _reached;

    [Theory]
    [InlineData("Reached", null)]
    [InlineData("TimedOut TimedOut Reached", null)]
    [InlineData("NotTried", null)]
    [InlineData("", null)]
    [InlineData("TimedOut Refused TimedOut", "nothing comes back from 192.0.2.7:31330")]
    [InlineData("TimedOut Refused", "refuses the connection")]
    [InlineData("OtherPeer NotTried", "somebody else answers")]
    [InlineData("Failed", "no way to this machine's network")]
    public void Verdict_WhatPeersFound_NamesTheLikelyCause(string outcomes, string? expected)
    {
        DialBackAnswer[] answers =
            [.. outcomes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => new DialBackAnswer(Enum.Parse<DialBackOutcome>(name), Outside))];

        string? verdict = ReachabilityRule.Verdict(answers, Port);

        if (expected is null)
            Assert.Null(verdict);
        else
            Assert.Contains(expected, verdict);
    }

    [Theory]
    [InlineData("10.0.0.5:31330", "192.0.2.7:31330", true, 2)]
    [InlineData("10.0.0.5:31330", "10.0.0.5:31330", true, 1)]
    [InlineData("10.0.0.5:31330", "192.0.2.7:31330", false, 1)]
    [InlineData("10.0.0.5:31330", "127.0.0.1:31330", true, 1)]
    [InlineData("127.0.0.1:31330", "127.0.0.1:31330", true, 1)]
    public void Addresses_WhereOthersReachedIt_JoinThoseKnown(string known, string observed, bool reached, int count)
    {
        var answer = new DialBackAnswer(reached ? DialBackOutcome.Reached : DialBackOutcome.TimedOut, PeerAddress.Parse(observed));

        IReadOnlyList<PeerAddress> addresses = ReachabilityRule.Addresses([PeerAddress.Parse(known)], [answer]);

        Assert.Equal(count, addresses.Count);
        Assert.Equal(PeerAddress.Parse(known), addresses[0]);
    }

    [Fact]
    public async Task CheckAsync_FounderAlone_CountsAsReachable()
    {
        _peers = 0;

        Assert.Null(await Make().CheckAsync(CancellationToken.None));
        Assert.False(_standing.IsUnreachable);
        Assert.Equal(0, _calls);
    }

    [Fact]
    public async Task RunAsync_Unreachable_TriesAgainEverMoreRarelyUntilReached()
    {
        // What a timer starts runs in the thread that moves the clock.
        SynchronizationContext.SetSynchronizationContext(null);
        _answer = () => new DialBackAnswer(DialBackOutcome.TimedOut, Outside);
        Reachability reachability = Make();

        Assert.NotNull(await reachability.CheckAsync(CancellationToken.None));
        Assert.True(_standing.IsUnreachable);
        Task running = reachability.RunAsync(CancellationToken.None);
        Assert.Equal(3, _calls);
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.InRange(_calls, 6, 12);

        // That nobody can be asked proves nothing.
        _answer = () => throw new SwarmException(FaultKind.PeerUnreachable, "nobody there");
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.True(_standing.IsUnreachable);
        Assert.Equal(0, _reached);

        _answer = () => new DialBackAnswer(DialBackOutcome.Reached, Outside);
        _time.Advance(TimeSpan.FromMinutes(6));

        await running.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.False(_standing.IsUnreachable);
        Assert.Equal(1, _reached);
        Assert.Equal([Local, Outside], _standing.Addresses.AsEnumerable());
    }

    [Theory]
    [InlineData(false, false, false, false, NodeState.Joining)]
    [InlineData(false, false, false, true, NodeState.Serving)]
    [InlineData(false, false, true, true, NodeState.Paused)]
    [InlineData(false, true, true, true, NodeState.Unreachable)]
    [InlineData(true, true, true, true, NodeState.Leaving)]
    public void StateOf_SeveralFacts_TheWeightiestCounts(bool leaving, bool unreachable, bool paused, bool serves, NodeState expected) =>
        Assert.Equal(expected, NodeStanding.StateOf(leaving, unreachable, paused, serves));

    private Reachability Make() => new(
        (_, _) =>
        {
            _calls++;
            return Task.FromResult(_answer());
        },
        () => [.. Enumerable.Range(0, _peers).Select(peer => (PeerEndpoint)new PeerAddress("10.0.0.9", 1000 + peer))],
        Port, _standing,
        () =>
        {
            _reached++;
            return Task.CompletedTask;
        },
        _time, new SeededRandomSource(1), NullLogger.Instance);
}
