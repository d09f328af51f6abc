using Swarm.Protocol.Dht;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Membership;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Directory;

/// <summary>A few keep the root's list alive in the DHT, and everybody hears it.</summary>
public sealed class RevocationRecordsTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly TestMembership _membership;
    private readonly FakeRecords _records;
    private readonly RevocationList _list;

    public RevocationRecordsTests()
    {
        _membership = new TestMembership(time: _time);
        _records = new FakeRecords(_membership.Swarm, new DirectoryRecordPolicy(_membership.Swarm), _time);
        _list = _membership.Root.SignRevocations(1, [new Revocation(_membership.Invite.Id, [])]);
    }

    public void Dispose() => _membership.Dispose();

    [Fact]
    public async Task RefreshAsync_AListThatOthersHold_IsTakenOver()
    {
        (RevocationRecords teller, _) = NewPeer(isClient: true);
        await teller.PublishAsync(_list, CancellationToken.None);
        (RevocationRecords late, MembershipGate gate) = NewPeer(isClient: true);

        await late.RefreshAsync(CancellationToken.None);

        Assert.Equal(1ul, gate.Revocations?.Sequence);
        Assert.Single(await CopiesAsync());
    }

    [Fact]
    public async Task RefreshAsync_ManyNodes_AFewRenew()
    {
        (RevocationRecords Records, MembershipGate Gate)[] nodes = [.. Enumerable.Range(0, 8).Select(_ => NewPeer(isClient: false))];
        nodes[0].Gate.Update(_list);

        // Half an hour in which everybody looks once a minute: it never ends, though each record does.
        for (int minute = 0; minute < 30; minute++)
        {
            foreach ((RevocationRecords records, _) in nodes)
                await records.RefreshAsync(CancellationToken.None);
            _time.Advance(DirectoryLimits.RevocationsInterval);
            Assert.InRange((await CopiesAsync()).Count, 1, 2 * DirectoryLimits.RevocationsCopies);
        }

        Assert.All(nodes, node => Assert.Equal(1ul, node.Gate.Revocations?.Sequence));
    }

    [Fact]
    public async Task RefreshAsync_ANewerList_Spreads()
    {
        (RevocationRecords Records, MembershipGate Gate)[] nodes = [.. Enumerable.Range(0, 4).Select(_ => NewPeer(isClient: false))];
        nodes[0].Gate.Update(_list);
        foreach ((RevocationRecords records, _) in nodes)
            await records.RefreshAsync(CancellationToken.None);
        nodes[3].Gate.Update(_membership.Root.SignRevocations(2, []));

        foreach ((RevocationRecords records, _) in nodes.Reverse())
            await records.RefreshAsync(CancellationToken.None);

        Assert.All(nodes, node => Assert.Equal(2ul, node.Gate.Revocations?.Sequence));
    }

    private async Task<IReadOnlyList<FoundRecord>> CopiesAsync() =>
        (await _records.FindAsync(DirectoryKeys.Revocations(_membership.Swarm), CancellationToken.None)).Records;

    private (RevocationRecords Records, MembershipGate Gate) NewPeer(bool isClient)
    {
        PeerCredentials credentials = _membership.NewMember();
        return (new RevocationRecords(credentials.Key, _records, credentials.Gate, _time, new SeededRandomSource(1), isClient), credentials.Gate);
    }
}
