namespace Swarm.Protocol.Transport;

/// <summary>Bytes that connections have really carried, TLS and framing included. Safe from any thread.</summary>
public sealed class WireTraffic
{
    private long _sentBytes;
    private long _receivedBytes;

    /// <summary>Of all transports of this process.</summary>
    public static WireTraffic Process { get; } = new();

    public long SentBytes => Interlocked.Read(ref _sentBytes);

    public long ReceivedBytes => Interlocked.Read(ref _receivedBytes);

    internal void Sent(long bytes) => Interlocked.Add(ref _sentBytes, bytes);

    internal void Received(long bytes) => Interlocked.Add(ref _receivedBytes, bytes);
}
