using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Transport;

/// <summary>
/// Stands between a listener's sockets and HTTP: whoever is no member never reaches HTTP, so it never gets a byte of it. Handshakes are bounded in number and time, and
/// connections of those who stop being members are closed.
/// </summary>
internal sealed class TlsListener : IDisposable
{
    private static readonly StreamPipeReaderOptions ReaderOptions = new(bufferSize: 16 << 10, minimumReadSize: 4 << 10, leaveOpen: true);

    // One record of TLS holds at most 16 KiB; the writer hands over buffer by buffer, so a buffer should fill a record.
    private static readonly StreamPipeWriterOptions WriterOptions = new(minimumBufferSize: 16 << 10, leaveOpen: true);

    private readonly TransportOptions _options;
    private readonly TlsSettings _settings;
    private readonly MembershipGate _gate;
    private readonly ILogger _log;
    private readonly MembershipWatch _watch;
    private readonly Lock _lock = new();
    private readonly HandshakeTable<ConnectionContext> _handshakes;
    private readonly HashSet<Admitted> _admitted = [];

    public TlsListener(TransportOptions options, TlsSettings settings)
    {
        _options = options;
        _settings = settings;
        _gate = options.Credentials!.Gate;
        _log = options.LoggerFactory.CreateLogger("Swarm.Transport");
        _handshakes = new HandshakeTable<ConnectionContext>(options.MaxHandshakes);
        _watch = new MembershipWatch(_gate, options.TimeProvider, CutRefused);
    }

    /// <summary>Serves one connection to its end.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        await using var stream = new SslStream(new DuplexPipeStream(connection.Transport), leaveInnerStreamOpen: false);
        if (await ShakeHandsAsync(connection, stream) is not { } member)
            return;
        var admitted = new Admitted(connection, member);
        lock (_lock)
            _admitted.Add(admitted);
        try
        {
            // A revocation may have arrived after the check and before the entry: whoever comes second sees the other.
            if (_gate.Recheck(member) is null)
                await ServeMemberAsync(connection, stream, member, next);
        }
        finally
        {
            lock (_lock)
                _admitted.Remove(admitted);
        }
    }

    public void Dispose() => _watch.Dispose();

    private static async Task ServeMemberAsync(ConnectionContext connection, SslStream stream, Member member, ConnectionDelegate next)
    {
        IDuplexPipe below = connection.Transport;
        PipeReader input = PipeReader.Create(stream, ReaderOptions);
        PipeWriter output = PipeWriter.Create(stream, WriterOptions);
        connection.Features.Set(PeerAuthContext.Of(member));
        connection.Transport = new DuplexPipe(input, output);
        try
        {
            await next(connection);
        }
        finally
        {
            await input.CompleteAsync();
            await output.CompleteAsync();
            connection.Transport = below;
        }
    }

    /// <summary>The member on the other side; null: there is none, and the connection is to be closed.</summary>
    private async Task<Member?> ShakeHandsAsync(ConnectionContext connection, SslStream stream)
    {
        object entry;
        ConnectionContext? victim;
        lock (_lock)
        {
            if (_admitted.Count + _handshakes.Count >= _options.MaxConnections)
            {
                TransportMeter.RefusedConnection("TooManyConnections");
                return null;
            }

            entry = _handshakes.Add(connection, (connection.RemoteEndPoint as IPEndPoint)?.Address, out victim);
        }

        victim?.Abort(new ConnectionAbortedException("too many handshakes at once"));
        var member = default(Member);
        MembershipRefusal? refusal = MembershipRefusal.NoCertificate;
        try
        {
            using var late = new CancellationTokenSource(_options.HandshakeTimeout, _options.TimeProvider);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, connection.ConnectionClosed);
            SslServerAuthenticationOptions settings = _settings.Server(certificate =>
            {
                refusal = _settings.Check(certificate, out member);
                return refusal is null;
            });
            await stream.AuthenticateAsServerAsync(settings, both.Token);

            // Resumed or not, the certificate was checked; without one the check is not made on every platform.
            if (refusal is null && TlsSettings.IsStrong(stream))
                return member;
            TransportLog.StrangerClosed(_log, Source(connection), refusal?.ToString() ?? $"{stream.NegotiatedCipherSuite}, {stream.NegotiatedApplicationProtocol}");
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException or OperationCanceledException or ObjectDisposedException or CryptographicException
            or InvalidOperationException)
        {
            if (refusal is MembershipRefusal.Expired or MembershipRefusal.Revoked)
                TransportLog.FormerMemberRefused(_log, member.Peer.Short, Source(connection), refusal.Value);
            else
                TransportLog.HandshakeFailed(_log, Source(connection), refusal?.ToString() ?? "none", exception.Message);
        }
        finally
        {
            lock (_lock)
                _handshakes.Remove(entry);
        }

        TransportMeter.RefusedConnection(refusal is { } reason ? Enum.GetName(reason)! : "NoHandshake");
        return null;
    }

    private static string Source(ConnectionContext connection) => connection.RemoteEndPoint?.ToString() ?? "unknown";

    private void CutRefused()
    {
        Admitted[] cut;
        lock (_lock)
            cut = [.. _admitted.Where(admitted => _gate.Recheck(admitted.Member) is not null)];
        foreach (Admitted admitted in cut)
        {
            TransportLog.MemberCut(_log, admitted.Member.Peer.Short, Source(admitted.Connection));
            admitted.Connection.Abort(new ConnectionAbortedException("the peer is no member any more"));
        }
    }

    private sealed class Admitted(ConnectionContext connection, Member member)
    {
        public ConnectionContext Connection { get; } = connection;

        public Member Member { get; } = member;
    }
}
