using Swarm.Protocol.Dht;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Dht;

/// <summary>One peer of <see cref="DhtPeers"/>.</summary>
internal sealed class DhtPeer(PeerKey key, PeerCredentials credentials, ITransport transport, DhtNode node, IPeerListener? listener) : IAsyncDisposable
{
    public PeerKey Key => key;

    public PeerId Id => key.Id;

    public DhtNode Node => node;

    public ITransport Transport => transport;

    public PeerAddress Address => listener!.Address;

    /// <summary>Goes away without a word.</summary>
    public async Task StopAsync()
    {
        node.Dispose();
        if (listener is not null)
            await listener.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await transport.DisposeAsync();
        credentials.Dispose();
        key.Dispose();
    }
}
