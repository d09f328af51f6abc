using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Swarm.Protocol.Transport;

/// <summary>
/// Puts counting and the upload limit around a transport's connections, below TLS: what is counted and limited is what the network carries.
/// </summary>
internal sealed class ConnectionMeter(UploadLimiter? limiter, WireTraffic traffic)
{
    /// <summary>A connection that this transport dialled.</summary>
    public Stream Wrap(Stream connection, ConnectionClass purpose) => new MeteredStream(connection, traffic, limiter?.Open(purpose));

    /// <summary>Connections that a listener accepts; to be used before TLS is.</summary>
    public ConnectionDelegate Use(ConnectionDelegate next) => async connection =>
    {
        // What it carries shows with its first frames; until then it is as urgent as a token.
        using UploadFlow? flow = limiter?.Open(ConnectionClass.Decode);
        await using CancellationTokenRegistration closed = connection.ConnectionClosed.UnsafeRegister(static flow => ((UploadFlow?)flow)?.Dispose(), flow);
        if (flow is not null)
            connection.Features.Set(flow);
        IDuplexPipe inner = connection.Transport;
        connection.Transport = new DuplexPipe(new MeteredPipeReader(inner.Input, traffic), new MeteredPipeWriter(inner.Output, traffic, flow));
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = inner;
        }
    };
}
