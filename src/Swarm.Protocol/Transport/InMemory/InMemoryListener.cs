using Grpc.Core;
using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Transport;

/// <summary>An address of an <see cref="InMemoryNetwork"/> that is served.</summary>
internal sealed class InMemoryListener : IPeerListener
{
    private readonly InMemoryNetwork _network;
    private readonly ServerDispatcher _dispatcher;
    private readonly TransportOptions _options;
    private readonly MembershipWatch _watch;
    private readonly Lock _gate = new();
    private readonly List<Running> _calls = [];
    private bool _disposed;

    public InMemoryListener(InMemoryNetwork network, PeerAddress address, ServerDispatcher dispatcher, TransportOptions options)
    {
        _network = network;
        _dispatcher = dispatcher;
        _options = options;
        Address = address;
        _watch = new MembershipWatch(options.Credentials?.Gate, options.TimeProvider, CutRefusedCallers);
    }

    public PeerAddress Address { get; }

    /// <summary>What the handshakes of TLS check, both ways, in the order in which their failures show.</summary>
    /// <param name="dialler">The calling side's.</param>
    /// <param name="expected">Who must answer; none: any member.</param>
    /// <param name="caller">Who calls.</param>
    /// <returns>Why the call does not come about; null: it does.</returns>
    public Status? Meet(PeerCredentials? dialler, PeerId expected, out PeerAuthContext caller)
    {
        caller = PeerAuthContext.None;
        PeerCredentials? own = _options.Credentials;
        if (own is null && dialler is null)
            return null;
        if (own is null || dialler is null)
            return TransportStatuses.Unlike(Address);
        if (dialler.Gate.Check(own.Key.PublicKey.Span, own.Proof, out _) is { } stranger)
            return TransportStatuses.Stranger(Address, stranger);
        if (!expected.IsNone && expected != own.Peer)
            return TransportStatuses.AnotherPeer(Address, own.Peer, expected);
        if (own.Gate.Check(dialler.Key.PublicKey.Span, dialler.Proof, out Member member) is not null)
            return TransportStatuses.NotAMember(Address);
        caller = PeerAuthContext.Of(member);
        return null;
    }

    /// <summary>Runs the handler on the caller's thread, up to its first wait.</summary>
    public void Accept(InMemoryServerWire wire, PeerCredentials? dialler)
    {
        Task call = _dispatcher.DispatchAsync(wire);
        lock (_gate)
        {
            _calls.RemoveAll(static running => running.Call.IsCompleted);
            if (!call.IsCompleted)
                _calls.Add(new Running(call, wire, dialler));
        }
    }

    /// <summary>Ends the calls of a dialler when it would not take this listener for a member any more.</summary>
    public void CutIfRefusedBy(PeerCredentials dialler)
    {
        if (_options.Credentials is { } own && dialler.Gate.Check(own.Key.PublicKey.Span, own.Proof, out _) is not null)
            Cut(running => ReferenceEquals(running.Dialler, dialler));
    }

    public async ValueTask DisposeAsync()
    {
        Task[] calls;
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            calls = [.. _calls.Select(running => running.Call)];
        }

        _watch.Dispose();
        _network.Remove(Address);
        _dispatcher.Close();
        try
        {
            await Task.WhenAll(calls).WaitAsync(_options.CloseTimeout, _options.TimeProvider);
        }
        catch (TimeoutException)
        {
            // A handler that ignores its token is left behind; its client has been told nothing, like that of a dead process.
        }
    }

    private void CutRefusedCallers()
    {
        MembershipGate gate = _options.Credentials!.Gate;
        Cut(running => gate.Recheck(running.Wire.Caller.Member) is not null);
    }

    private void Cut(Predicate<Running> refused)
    {
        Running[] cut;
        lock (_gate)
            cut = [.. _calls.Where(running => refused(running))];
        foreach (Running running in cut)
            running.Wire.CutConnection();
    }

    private sealed record Running(Task Call, InMemoryServerWire Wire, PeerCredentials? Dialler);
}
