using Swarm.Protocol;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Testing;

/// <summary>A founded swarm, and credentials of as many members as a test wants. Keys are fresh in each run; nothing in a test may depend on their order.</summary>
public sealed class TestMembership : IDisposable
{
    private readonly TimeProvider _time;
    private readonly List<IDisposable> _owned = [];

    /// <param name="terms">What the swarm's invite allows; null: a private swarm without an end.</param>
    /// <param name="time">The members' clock; null: the system's.</param>
    public TestMembership(GrantTerms? terms = null, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        Root = SwarmRoot.Found();
        _owned.Add(Root);
        Invite = Root.Issue([new PeerAddress("127.0.0.1", 1)], terms);
    }

    public SwarmRoot Root { get; }

    public SwarmId Swarm => Root.Swarm;

    /// <summary>The invite by which members come unless a test gives another.</summary>
    public SwarmInvite Invite { get; }

    /// <summary>A member with a fresh key.</summary>
    public PeerCredentials NewMember(SwarmInvite? invite = null)
    {
        var key = PeerKey.Create();
        PeerCredentials credentials = PeerCredentials.Create(key, invite ?? Invite, _time);
        _owned.Add(credentials);
        _owned.Add(key);
        return credentials;
    }

    /// <summary>As many members.</summary>
    public PeerCredentials[] NewMembers(int count) => [.. Enumerable.Range(0, count).Select(_ => NewMember())];

    public void Dispose()
    {
        foreach (IDisposable owned in _owned)
            owned.Dispose();
    }
}
