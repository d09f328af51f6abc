using Swarm.Node.Sessions;
using Swarm.Protocol;

namespace Swarm.Node.Tests.Sessions;

/// <summary>What the rule promises to a client alone, to a newcomer, and to those who wait.</summary>
public sealed class ShareRuleTests
{
    private const long Capacity = 800;

    private static readonly PeerId Greedy = PeerId.OfPublicKey([1]);
    private static readonly PeerId Honest = PeerId.OfPublicKey([2]);

    private readonly ShareRule _rule = new(Capacity);
    private TimeSpan _now = TimeSpan.FromSeconds(100);

    [Fact]
    public void TryTake_AloneInOneSession_HasEverything()
    {
        Assert.True(Take(Greedy, Capacity, ShareClaim.Only));
        Assert.Equal((0, Capacity), (_rule.Free, _rule.Held(Greedy)));
    }

    [Fact]
    public void TryTake_AloneInMany_HasAllButTheEighthThatIsKeptFree()
    {
        Assert.Equal(700, TakeAll(Greedy));
        Assert.False(Take(Greedy, 1, ShareClaim.Spare));
    }

    [Fact]
    public void TryTake_SpareAlone_LeavesTheSameFree()
    {
        while (Take(Greedy, 10, ShareClaim.Spare))
        {
            // As much as it is given.
        }

        Assert.Equal(100, _rule.Free);
    }

    [Fact]
    public void TryTake_NewcomerAfterAGreedyOne_FindsWhatWasKeptFree()
    {
        TakeAll(Greedy);
        Assert.Equal(100, TakeAll(Honest));
        Assert.Equal(0, _rule.Free);
    }

    [Fact]
    public void TryTake_WhatComesBack_GoesToWhoWaitsUntilItHasItsShare()
    {
        TakeAll(Greedy);
        TakeAll(Honest);
        while (_rule.Held(Honest) < Capacity / 3)
        {
            Assert.False(Take(Honest, 10));
            _rule.Return(Greedy, 10);
            Assert.False(Take(Greedy, 10), "the greedy one took what another waits for");
            if (!Take(Honest, 10))
                break;
            _now += ShareRule.RetryAfter;
        }

        Assert.InRange(_rule.Held(Honest), (Capacity / 3) - 10, Capacity / 3);
        Assert.True(_rule.Held(Greedy) >= 500);
    }

    [Fact]
    public void TryTake_WhoWaitedAsksNoMore_OthersGoOn()
    {
        TakeAll(Greedy);
        TakeAll(Honest);
        Assert.False(Take(Honest, 10));
        _rule.Return(Greedy, 300);
        Assert.False(Take(Greedy, 10));
        _now += (2 * ShareRule.RetryAfter) + TimeSpan.FromSeconds(1);
        Assert.True(Take(Greedy, 10));
    }

    [Fact]
    public void TryTake_MoreThanItsShareRefused_DoesNotMakeOthersWait()
    {
        TakeAll(Greedy);
        Assert.False(Take(Honest, Capacity, ShareClaim.Only));
        _rule.Return(Greedy, 300);
        Assert.True(Take(Greedy, 10));
    }

    [Fact]
    public void TryTake_AnyAsks_NeverGivesMoreThanThereIsAndKeepsItsPromises()
    {
        var random = new SeededRandomSource(11);
        PeerId[] clients = [.. Enumerable.Range(0, 5).Select(index => PeerId.OfPublicKey([(byte)(index + 10)]))];
        var held = clients.ToDictionary(client => client, _ => 0L);
        for (int round = 0; round < 20_000; round++)
        {
            PeerId client = clients[random.NextUInt64() % 5];
            long amount = 1 + (long)(random.NextUInt64() % 60);
            _now += TimeSpan.FromMilliseconds(random.NextUInt64() % 500);
            if (random.NextUInt64() % 2 == 0 && held[client] > 0)
            {
                amount = Math.Min(amount, held[client]);
                _rule.Return(client, amount);
                held[client] -= amount;
                continue;
            }

            int others = held.Count(pair => pair.Value > 0 && pair.Key != client);
            long free = _rule.Free;
            bool taken = Take(client, amount);
            held[client] += taken ? amount : 0;
            Assert.Equal(Capacity - held.Values.Sum(), _rule.Free);
            if (!taken && amount <= free)
                Assert.True(held[client] + amount > Capacity / (others + 2), "refused within its share, with room");
            if (taken && held[client] > Capacity / (others + 2))
                Assert.True(_rule.Free >= Capacity / 8, "took what is kept free");
        }
    }

    private bool Take(PeerId client, long amount, ShareClaim claim = ShareClaim.More) => _rule.TryTake(client, amount, 1, claim, _now);

    private long TakeAll(PeerId client)
    {
        while (Take(client, 10))
        {
            // As much as it is given.
        }

        return _rule.Held(client);
    }
}
