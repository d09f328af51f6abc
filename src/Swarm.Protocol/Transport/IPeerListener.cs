namespace Swarm.Protocol.Transport;

/// <summary>An open port. Disposing it ends the calls that run: their tokens are cancelled and their clients see <c>UNAVAILABLE</c>.</summary>
public interface IPeerListener : IAsyncDisposable
{
    /// <summary>Where it listens, with the actual port.</summary>
    PeerAddress Address { get; }
}
