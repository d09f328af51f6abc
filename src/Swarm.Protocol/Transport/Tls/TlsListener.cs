using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Transport;

/// <summary>
/// Stands between a listener's sockets and its calls: whoever is no member never reaches them, so it never gets a byte of an answer. Handshakes are bounded in number and time, each
/// in a thread of its own, which goes on with the connection where it carries a lane; and connections of those who stop being members are closed.
/// </summary>
internal sealed class TlsListener : IDisposable
{
    private readonly TransportOptions _options;
    private readonly TlsSettings _settings;
    private readonly ConnectionMeter _meter;
    private readonly LaneHost _lanes;
    private readonly MembershipGate _gate;
    private readonly ILogger _log;
    private readonly MembershipWatch _watch;
    private readonly Lock _lock = new();
    private readonly HandshakeTable<Socket> _handshakes;
    private readonly HashSet<Admitted> _admitted = [];

    public TlsListener(TransportOptions options, TlsSettings settings, ConnectionMeter meter, LaneHost lanes)
    {
        _options = options;
        _settings = settings;
        _meter = meter;
        _lanes = lanes;
        _gate = options.Credentials!.Gate;
        _log = options.LoggerFactory.CreateLogger("Swarm.Transport");
        _handshakes = new HandshakeTable<Socket>(options.MaxHandshakes);
        _watch = new MembershipWatch(_gate, options.TimeProvider, CutRefused);
    }

    /// <summary>Looks at a connection; never waits for it.</summary>
    /// <param name="socket">Accepted.</param>
    /// <param name="http">Takes it where it is a member's and for HTTP/2.</param>
    public void Admit(Socket socket, Action<ConnectionContext> http)
    {
        object entry;
        Socket? victim;
        lock (_lock)
        {
            if (_admitted.Count + _handshakes.Count >= _options.MaxConnections)
            {
                TransportMeter.RefusedConnection("TooManyConnections");
                socket.Dispose();
                return;
            }

            entry = _handshakes.Add(socket, (socket.RemoteEndPoint as IPEndPoint)?.Address, out victim);
        }

        if (victim is not null)
            PeerSocketStream.Cut(victim);
        new Thread(() => Serve(socket, entry, http)) { IsBackground = true, Name = "swarm peer" }.Start();
    }

    public void Dispose() => _watch.Dispose();

    private void Serve(Socket socket, object handshake, Action<ConnectionContext> http)
    {
        try
        {
            EndPoint? remote = socket.RemoteEndPoint;
            var connection = _meter.Wrap(new PeerSocketStream(socket), ConnectionClass.Decode);
            var stream = new SslStream(connection, leaveInnerStreamOpen: false);
            if (ShakeHands(connection, stream, remote, handshake) is { } member)
                ServeMember(connection, stream, member, socket.LocalEndPoint, remote, http);
            else
                stream.Dispose();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Gone before it was looked at; and whatever else a stranger brings about ends with its connection.
            lock (_lock)
                _handshakes.Remove(handshake);
            socket.Dispose();
        }
    }

    private void ServeMember(MeteredStream connection, SslStream stream, Member member, EndPoint? local, EndPoint? remote, Action<ConnectionContext> http)
    {
        var admitted = new Admitted(connection, member, remote);
        lock (_lock)
            _admitted.Add(admitted);

        // A revocation may have arrived after the check and before the entry: whoever comes second sees the other.
        if (_gate.Recheck(member) is not null)
        {
            Forget(admitted);
            stream.Dispose();
            return;
        }

        if (stream.NegotiatedApplicationProtocol == TlsSettings.Lane)
        {
            using (stream)
            {
                connection.WriteAtOnce();
                _lanes.Serve(stream, connection, PeerAuthContext.Of(member), remote);
            }

            Forget(admitted);
            return;
        }

        var served = new StreamConnection(stream, local, remote, connection.Cut, () => Forget(admitted));
        served.Features.Set(PeerAuthContext.Of(member));
        served.Features.Set(connection.Flow);
        http(served);
    }

    /// <summary>The member on the other side; null: there is none, and the connection is to be closed.</summary>
    private Member? ShakeHands(MeteredStream connection, SslStream stream, EndPoint? remote, object entry)
    {
        var member = default(Member);
        MembershipRefusal? refusal = MembershipRefusal.NoCertificate;
        try
        {
            using var late = new CancellationTokenSource(_options.HandshakeTimeout, _options.TimeProvider);
            using CancellationTokenRegistration cut = late.Token.UnsafeRegister(static connection => ((MeteredStream)connection!).Cut(), connection);
            SslServerAuthenticationOptions settings = _settings.Server(_lanes.HasRoom, certificate =>
            {
                refusal = _settings.Check(certificate, out member);
                return refusal is null;
            });
            stream.AuthenticateAsServer(settings);

            // Resumed or not, the certificate was checked; without one the check is not made on every platform.
            if (refusal is null && TlsSettings.IsStrong(stream))
                return member;
            TransportLog.StrangerClosed(_log, Source(remote), refusal?.ToString() ?? $"{stream.NegotiatedCipherSuite}, {stream.NegotiatedApplicationProtocol}");
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException or OperationCanceledException or ObjectDisposedException or CryptographicException
            or InvalidOperationException)
        {
            if (refusal is MembershipRefusal.Expired or MembershipRefusal.Revoked)
                TransportLog.FormerMemberRefused(_log, member.Peer.Short, Source(remote), refusal.Value);
            else
                TransportLog.HandshakeFailed(_log, Source(remote), refusal?.ToString() ?? "none", exception.Message);
        }
        finally
        {
            lock (_lock)
                _handshakes.Remove(entry);
        }

        TransportMeter.RefusedConnection(refusal is { } reason ? Enum.GetName(reason)! : "NoHandshake");
        return null;
    }

    private void Forget(Admitted admitted)
    {
        lock (_lock)
            _admitted.Remove(admitted);
    }

    private static string Source(EndPoint? remote) => remote?.ToString() ?? "unknown";

    private void CutRefused()
    {
        Admitted[] cut;
        lock (_lock)
            cut = [.. _admitted.Where(admitted => _gate.Recheck(admitted.Member) is not null)];
        foreach (Admitted admitted in cut)
        {
            TransportLog.MemberCut(_log, admitted.Member.Peer.Short, Source(admitted.Remote));
            admitted.Connection.Cut();
        }
    }

    private sealed class Admitted(MeteredStream connection, Member member, EndPoint? remote)
    {
        public MeteredStream Connection { get; } = connection;

        public Member Member { get; } = member;

        public EndPoint? Remote { get; } = remote;
    }
}
