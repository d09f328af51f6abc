using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Grpc.Core;
using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Transport;

/// <summary>Makes the connections of a transport's calls: tries an endpoint's addresses in turn and checks who answers.</summary>
internal sealed class PeerDialler : IDisposable
{
    private readonly TransportOptions _options;
    private readonly TlsSettings? _settings;
    private readonly ConnectionMeter _meter;
    private readonly MembershipWatch _watch;
    private readonly Lock _lock = new();
    private readonly HashSet<PeerStream> _open = [];

    public PeerDialler(TransportOptions options, TlsSettings? settings, ConnectionMeter meter)
    {
        _options = options;
        _settings = settings;
        _meter = meter;
        _watch = new MembershipWatch(options.Credentials?.Gate, options.TimeProvider, CutRefused);
    }

    /// <summary>The first address where the right peer answers.</summary>
    /// <exception cref="TransportException">None did; tells the last address's failure.</exception>
    public ValueTask<Stream> DialAsync(PeerEndpoint endpoint, string name, ConnectionClass purpose, CancellationToken cancellationToken) =>
        DialAsync(endpoint, name, purpose, lane: false, cancellationToken);

    /// <summary>The same in the calling thread, which waits, and with a lane offered: what was agreed on, the stream says. Nothing is awaited on the socket, so the runtime's event loop never learns of it.</summary>
    /// <exception cref="TransportException">None did; tells the last address's failure.</exception>
    public PeerStream DialLane(PeerEndpoint endpoint, string name, CancellationToken cancellationToken) =>
        (PeerStream)DialAsync(endpoint, name, ConnectionClass.Decode, lane: true, cancellationToken).AsTask().GetAwaiter().GetResult();

    /// <summary>Closes what is open.</summary>
    public void Dispose()
    {
        _watch.Dispose();
        PeerStream[] open;
        lock (_lock)
            open = [.. _open];
        foreach (PeerStream stream in open)
            stream.Connection.Cut();
    }

    private async ValueTask<Stream> DialAsync(PeerEndpoint endpoint, string name, ConnectionClass purpose, bool lane, CancellationToken cancellationToken)
    {
        TransportException? failure = null;
        for (int index = 0; index < endpoint.Addresses.Length; index++)
        {
            // A mute address leaves the others their share of the time.
            using var late = new CancellationTokenSource(_options.ConnectTimeout / endpoint.Addresses.Length, _options.TimeProvider);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
            PeerAddress address = endpoint.Addresses[index];
            try
            {
                return await DialAsync(address, endpoint.Peer, name, purpose, lane, both.Token);
            }
            catch (TransportException exception)
            {
                failure = exception;
            }
            catch (SocketException exception)
            {
                failure = new TransportException(new Status(StatusCode.Unavailable, $"the peer cannot be reached at {address}: {exception.Message}"), exception);
            }
            catch (Exception exception) when (exception is IOException or AuthenticationException)
            {
                failure = new TransportException(new Status(StatusCode.Unavailable, $"the peer cannot be reached: at {address} no handshake comes about: {exception.Message}"), exception);
            }
            catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
            {
                failure = new TransportException(new Status(StatusCode.Unavailable, $"the peer cannot be reached: no answer at {address} in time"), exception);
            }
        }

        throw failure!;
    }

    private async ValueTask<Stream> DialAsync(PeerAddress address, PeerId expected, string name, ConnectionClass purpose, bool lane, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (lane)
                Connect(socket, address, cancellationToken);
            else
                await socket.ConnectAsync(new DnsEndPoint(address.Host, address.Port), cancellationToken);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        MeteredStream connection = _meter.Wrap(new PeerSocketStream(socket), purpose);
        return _settings is null ? connection : await ShakeHandsAsync(new PeerStream(connection, address, Forget), address, expected, name, lane, cancellationToken);
    }

    private static void Connect(Socket socket, PeerAddress address, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration late = cancellationToken.UnsafeRegister(static socket => ((Socket)socket!).Dispose(), socket);
        try
        {
            socket.Connect(new DnsEndPoint(address.Host, address.Port));
        }
        catch (Exception exception) when (cancellationToken.IsCancellationRequested && exception is SocketException or ObjectDisposedException)
        {
            throw new OperationCanceledException(cancellationToken);
        }
    }

    private static void ShakeHands(PeerStream stream, SslClientAuthenticationOptions settings, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration late = cancellationToken.UnsafeRegister(static stream => ((PeerStream)stream!).Connection.Cut(), stream);
        try
        {
            stream.AuthenticateAsClient(settings);
        }
        catch (Exception exception) when (cancellationToken.IsCancellationRequested && exception is IOException or AuthenticationException or ObjectDisposedException)
        {
            throw new OperationCanceledException(cancellationToken);
        }
    }

    private async ValueTask<Stream> ShakeHandsAsync(PeerStream stream, PeerAddress address, PeerId expected, string name, bool lane, CancellationToken cancellationToken)
    {
        Status? refused = null;
        try
        {
            SslClientAuthenticationOptions settings = _settings!.Client(name, lane, certificate =>
            {
                if (_settings.Check(certificate, out Member member) is { } refusal)
                    refused = TransportStatuses.Stranger(address, refusal);
                else if (!expected.IsNone && expected != member.Peer)
                    refused = TransportStatuses.AnotherPeer(address, member.Peer, expected);
                stream.Member = member;
                return refused is null;
            });
            if (lane)
                ShakeHands(stream, settings, cancellationToken);
            else
                await stream.AuthenticateAsClientAsync(settings, cancellationToken);
            if (!TlsSettings.IsStrong(stream))
                throw new AuthenticationException($"{stream.NegotiatedCipherSuite} over '{stream.NegotiatedApplicationProtocol}', expected AES-GCM over h2");
            lock (_lock)
                _open.Add(stream);

            // A revocation may have arrived after the check and before the entry.
            if (_options.Credentials!.Gate.Recheck(stream.Member) is { } late)
                throw new TransportException(TransportStatuses.Stranger(address, late));
            if (stream.NegotiatedApplicationProtocol == TlsSettings.Lane)
                stream.Connection.WriteAtOnce();
            return stream;
        }
        catch (Exception exception)
        {
            await stream.DisposeAsync();
            if (refused is { } status)
                throw new TransportException(status, exception) { AnotherAnswered = true };
            throw;
        }
    }

    private void Forget(PeerStream stream)
    {
        lock (_lock)
            _open.Remove(stream);
    }

    private void CutRefused()
    {
        PeerStream[] cut;
        lock (_lock)
            cut = [.. _open.Where(stream => _options.Credentials!.Gate.Recheck(stream.Member) is not null)];
        foreach (PeerStream stream in cut)
            stream.Connection.Cut();
    }
}
