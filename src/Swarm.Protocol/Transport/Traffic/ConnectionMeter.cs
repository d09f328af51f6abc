namespace Swarm.Protocol.Transport;

/// <summary>
/// Puts counting and the upload limit around a transport's connections, below TLS: what is counted and limited is what the network carries.
/// </summary>
internal sealed class ConnectionMeter(UploadLimiter? limiter, WireTraffic traffic)
{
    /// <param name="connection">A connection that this transport dialled or accepted.</param>
    /// <param name="purpose">What it carries. Of an accepted one that shows with its first frames; until then it is as urgent as a token.</param>
    public MeteredStream Wrap(Stream connection, ConnectionClass purpose) => new(connection, traffic, limiter?.Open(purpose));
}
