#pragma warning disable CA1416 // Unix modes are asked for on Unix only.
using Swarm.Cli.Framework;
using Swarm.Cli.Home;
using Swarm.Protocol;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Cli.Tests;

/// <summary>What a home holds: keys, swarms, locks.</summary>
public sealed class HomeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly HomeFolder _home;
    private readonly HomeSwarms _swarms;

    public HomeTests()
    {
        _home = new HomeFolder(_folder.File("home"));
        _swarms = new HomeSwarms(_home);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Found_InAnEmptyHome_KeepsRootMembershipAndInvite()
    {
        Assert.Null(_swarms.Current());
        SwarmFolder founded = _swarms.Found(isPublic: false, notAfter: null);
        SwarmFolder current = _swarms.Current()!;
        Assert.Equal(founded.Id, current.Id);
        Assert.True(current.IsFounder);
        using (SwarmRoot root = current.OpenRoot())
            Assert.Equal(current.Id, root.Swarm);

        // What is handed out can be ended without ending the founder's own nodes.
        Assert.NotEqual(current.ReadMembership().Id, current.ReadInvite().Id);
        Assert.Equal(current.Id, current.ReadInvite().Swarm);
        Assert.Equal(HomeSwarms.FounderLabel, current.ReadMembership().Grant.Label);
        Assert.Equal([current.ReadInvite().Id], current.ReadIssued().Select(invite => invite.Id));
    }

    [Fact]
    public void Found_ASecond_BecomesCurrentAndTheFirstStays()
    {
        SwarmFolder first = _swarms.Found(false, null);
        SwarmFolder second = _swarms.Found(true, null);
        Assert.Equal(second.Id, _swarms.Current()!.Id);
        Assert.True(second.ReadInvite().Grant.IsPublic);
        Assert.False(_swarms.Find(first.Id)!.ReadInvite().Grant.IsPublic);
    }

    [Fact]
    public void Remember_AnInvite_IsMemberByItAndNoFounder()
    {
        SwarmInvite invite = Invite("10.0.0.1:1", "10.0.0.2:2");
        _swarms.Remember(invite);
        SwarmFolder current = _swarms.Current()!;
        Assert.Equal(invite.Swarm, current.Id);
        Assert.False(current.IsFounder);
        Assert.Equal(invite.ToText(), current.ReadMembership().ToText());
        Assert.Equal(invite.Id, current.ReadInvite().Id);
    }

    [Fact]
    public void Remember_WhereTheSwarmWasFounded_KeepsTheFoundersMembership()
    {
        SwarmFolder founded = _swarms.Found(false, null);
        GrantId own = founded.ReadMembership().Id;
        _swarms.Found(false, null);
        _swarms.Remember(founded.ReadInvite());
        Assert.Equal(founded.Id, _swarms.Current()!.Id);
        Assert.Equal(own, _swarms.Current()!.ReadMembership().Id);
    }

    [Fact]
    public void Addresses_AreKeptNewestFirstAndBounded()
    {
        _swarms.Remember(Invite("10.0.0.1:1"));
        SwarmFolder swarm = _swarms.Current()!;
        swarm.AddAddresses([PeerAddress.Parse("10.0.0.2:2")]);
        swarm.AddAddresses([PeerAddress.Parse("10.0.0.3:3"), PeerAddress.Parse("10.0.0.2:2")]);
        Assert.Equal(["10.0.0.3:3", "10.0.0.2:2", "10.0.0.1:1"], swarm.ReadInvite().Addresses.Select(address => address.ToString()));
        swarm.AddAddresses(Enumerable.Range(1, 20).Select(port => new PeerAddress("10.0.0.4", port)));
        Assert.Equal(SwarmFolder.MaxAddresses, swarm.ReadMembership().Addresses.Length);
        Assert.Equal("10.0.0.4:1", swarm.ReadMembership().Addresses[0].ToString());
    }

    [Fact]
    public void Invite_BeforeAnyNodeListened_HasTextAndLosesItsStandInLater()
    {
        SwarmFolder founded = _swarms.Found(false, null);
        Assert.Equal("127.0.0.1:31330", SwarmInvite.Parse(founded.ReadInvite().ToText()).Addresses.Single().ToString());
        founded.AddAddresses([PeerAddress.Parse("10.0.0.2:2")]);
        Assert.Equal("10.0.0.2:2", founded.ReadInvite().Addresses.Single().ToString());
    }

    [Fact]
    public void NodeKey_OfASlot_IsTheSameFromRunToRun()
    {
        PeerId first = KeyOfFreeSlot();
        Assert.Equal(first, KeyOfFreeSlot());
    }

    [Fact]
    public void NodeSlot_WhileOneRuns_IsTheNextWithAKeyOfItsOwn()
    {
        using NodeSlot first = NodeSlot.Take(_home);
        using PeerKey one = first.OpenKey();
        PeerId second;
        using (NodeSlot next = NodeSlot.Take(_home))
        {
            using PeerKey two = next.OpenKey();
            second = two.Id;
            Assert.NotEqual(one.Id, two.Id);
            Assert.EndsWith("node-2", next.Folder, StringComparison.Ordinal);
            Assert.Equal([first.Folder, next.Folder], NodeSlot.Folders(_home));
        }

        Assert.Equal(second, KeyOfFreeSlot());
    }

    [Fact]
    public void Home_Copied_HasTheSamePeerAndSwarm()
    {
        PeerId peer = KeyOfFreeSlot();
        SwarmFolder founded = _swarms.Found(false, null);
        string copy = _folder.File("copy");
        foreach (string file in Directory.GetFiles(_home.Path, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(copy, Path.GetRelativePath(_home.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        HomeFolder moved = new(copy);
        using (NodeSlot slot = NodeSlot.Take(moved))
        using (PeerKey key = slot.OpenKey())
            Assert.Equal(peer, key.Id);
        Assert.Equal(founded.ReadInvite().ToText(), new HomeSwarms(moved).Current()!.ReadInvite().ToText());
        new HomeSwarms(moved).Current()!.OpenRoot().Dispose();
    }

    [Theory]
    [InlineData("node/key.pem", "not a private key")]
    [InlineData("current", "not the id of a swarm")]
    [InlineData("swarms/*/root.pem", "not a private key")]
    [InlineData("swarms/*/membership", "invite: begins with")]
    [InlineData("swarms/*/invite", "invite: begins with")]
    [InlineData("swarms/*/revocations", "revocations: ")]
    public void Home_DamagedFile_IsNamed(string file, string expected)
    {
        KeyOfFreeSlot();
        Spoil(file, _swarms.Found(false, null), path => File.WriteAllText(path, "damaged"));
        CommandException failure = Assert.Throws<CommandException>(ReadAll);
        Assert.Equal("CorruptHome", failure.Code);
        Assert.Contains(file.Split('/')[^1], failure.Message, StringComparison.Ordinal);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("node/key.pem")]
    [InlineData("swarms/*/root.pem")]
    [InlineData("swarms/*/membership")]
    [InlineData("swarms/*/invite")]
    public void Home_SecretThatOthersMayRead_IsRefused(string file)
    {
        Skip.If(OperatingSystem.IsWindows(), "Unix modes");
        KeyOfFreeSlot();
        Spoil(file, _swarms.Found(false, null), path => File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead));
        CommandException failure = Assert.Throws<CommandException>(ReadAll);
        Assert.Equal("OpenFile", failure.Code);
        Assert.Contains("mode 640, expected 600", failure.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Home_Written_IsTheOwnersAlone()
    {
        Skip.If(OperatingSystem.IsWindows(), "Unix modes");
        KeyOfFreeSlot();
        _swarms.Found(false, null);
        Assert.All(
            Directory.GetFiles(_home.Path, "*", SearchOption.AllDirectories),
            path => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path)));
        Assert.All(
            Directory.GetDirectories(_home.Path, "*", SearchOption.AllDirectories).Append(_home.Path),
            path => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path)));
    }

    [Fact]
    public void Revoke_TheInviteHandedOut_PutsANewOneInItsPlace()
    {
        SwarmFolder swarm = _swarms.Found(false, null);
        InviteLedger ledger = new(swarm, TimeProvider.System);
        SwarmInvite old = swarm.ReadInvite();
        RevocationList list = ledger.Revoke(ledger.Find(old.Id.ToString()[..8]), [], null);
        Assert.True(list.Revokes(old.Id, PeerKey.Create().Id));
        Assert.Equal(list.Sequence, swarm.ReadRevocations()!.Sequence);
        Assert.NotEqual(old.Id, swarm.ReadInvite().Id);
        Assert.True(ledger.IsOver(old, out string word));
        Assert.Equal("revoked", word);
        Assert.False(list.Revokes(swarm.ReadMembership().Id, PeerKey.Create().Id));
    }

    [Fact]
    public void Revoke_Twice_KeepsBothAndCountsOn()
    {
        SwarmFolder swarm = _swarms.Found(false, null);
        InviteLedger ledger = new(swarm, TimeProvider.System);
        SwarmInvite alice = ledger.Issue("alice", null);
        SwarmInvite bob = ledger.Issue("bob", null);
        PeerId stays = PeerKey.Create().Id;
        RevocationList first = ledger.Revoke(alice, [stays, stays], null);
        RevocationList second = ledger.Revoke(bob, [], null);
        Assert.True(second.Sequence > first.Sequence);
        Assert.False(second.Revokes(alice.Id, stays));
        Assert.True(second.Revokes(alice.Id, PeerKey.Create().Id));
        Assert.True(second.Revokes(bob.Id, stays));
        Assert.False(ledger.IsOver(swarm.ReadInvite(), out _));
    }

    [Theory]
    [InlineData("ffff", "no invite issued here")]
    [InlineData("", "no invite issued here")]
    [InlineData("own", "this home's own nodes")]
    public void Find_WhatIsNoInvite_SaysWhy(string id, string expected)
    {
        SwarmFolder swarm = _swarms.Found(false, null);
        CommandException failure = Assert.Throws<CommandException>(
            () => new InviteLedger(swarm, TimeProvider.System).Find(id == "own" ? swarm.ReadMembership().Id.ToString() : id));
        Assert.Equal("UnknownInvite", failure.Code);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Issue_WithoutTheRootKey_SaysWhoCan()
    {
        SwarmFolder joined = _swarms.Remember(Invite("10.0.0.1:1"));
        CommandException failure = Assert.Throws<CommandException>(() => new InviteLedger(joined, TimeProvider.System).Issue("alice", null));
        Assert.Equal("NotFounder", failure.Code);
        Assert.Contains("only the home that founded it", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lock_WhileAnotherHasIt_IsWaitedFor()
    {
        FileLock first = await _swarms.LockAsync(TimeProvider.System, CancellationToken.None);
        Assert.Null(FileLock.TryTake(Path.Combine(_home.Path, "lock")));
        Task<FileLock> second = _swarms.LockAsync(TimeProvider.System, CancellationToken.None);
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await second.WaitAsync(TimeSpan.FromSeconds(60))).Dispose();
    }

    private static SwarmInvite Invite(params string[] addresses)
    {
        using SwarmRoot root = SwarmRoot.Found();
        return root.Issue([.. addresses.Select(PeerAddress.Parse)]);
    }

    private PeerId KeyOfFreeSlot()
    {
        using NodeSlot slot = NodeSlot.Take(_home);
        using PeerKey key = slot.OpenKey();
        return key.Id;
    }

    private void Spoil(string file, SwarmFolder swarm, Action<string> act) =>
        act(Path.Combine(_home.Path, file.Replace("*", swarm.Id.ToString(), StringComparison.Ordinal)));

    private void ReadAll()
    {
        KeyOfFreeSlot();
        SwarmFolder swarm = _swarms.Current()!;
        swarm.OpenRoot().Dispose();
        swarm.ReadMembership();
        swarm.ReadInvite();
        swarm.ReadRevocations();
    }
}
