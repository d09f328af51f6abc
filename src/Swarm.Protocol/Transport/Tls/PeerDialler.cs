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
    public async ValueTask<Stream> DialAsync(PeerEndpoint endpoint, string name, ConnectionClass purpose, CancellationToken cancellationToken)
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
                return await DialAsync(address, endpoint.Peer, name, purpose, both.Token);
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

    public void Dispose() => _watch.Dispose();

    private async ValueTask<Stream> DialAsync(PeerAddress address, PeerId expected, string name, ConnectionClass purpose, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(address.Host, address.Port), cancellationToken);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        Stream connection = _meter.Wrap(new NetworkStream(socket, ownsSocket: true), purpose);
        return _settings is null ? connection : await ShakeHandsAsync(new PeerStream(connection, address, Forget), address, expected, name, cancellationToken);
    }

    private async ValueTask<Stream> ShakeHandsAsync(PeerStream stream, PeerAddress address, PeerId expected, string name, CancellationToken cancellationToken)
    {
        Status? refused = null;
        try
        {
            SslClientAuthenticationOptions settings = _settings!.Client(name, certificate =>
            {
                if (_settings.Check(certificate, out Member member) is { } refusal)
                    refused = TransportStatuses.Stranger(address, refusal);
                else if (!expected.IsNone && expected != member.Peer)
                    refused = TransportStatuses.AnotherPeer(address, member.Peer, expected);
                stream.Member = member;
                return refused is null;
            });
            await stream.AuthenticateAsClientAsync(settings, cancellationToken);
            if (!TlsSettings.IsStrong(stream))
                throw new AuthenticationException($"{stream.NegotiatedCipherSuite} over '{stream.NegotiatedApplicationProtocol}', expected AES-GCM over h2");
            lock (_lock)
                _open.Add(stream);

            // A revocation may have arrived after the check and before the entry.
            if (_options.Credentials!.Gate.Recheck(stream.Member) is { } late)
                throw new TransportException(TransportStatuses.Stranger(address, late));
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
            stream.Dispose();
    }
}
