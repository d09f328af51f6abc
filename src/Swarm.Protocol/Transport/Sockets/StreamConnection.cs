using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Swarm.Protocol.Transport;

/// <summary>A connection that was let in, as Kestrel takes it: two pipes over a stream.</summary>
internal sealed class StreamConnection : ConnectionContext
{
    private static readonly StreamPipeReaderOptions ReaderOptions = new(bufferSize: 16 << 10, minimumReadSize: 4 << 10, leaveOpen: true);

    // One record of TLS holds at most 16 KiB; the writer hands over buffer by buffer, so a buffer should fill a record.
    private static readonly StreamPipeWriterOptions WriterOptions = new(minimumBufferSize: 16 << 10, leaveOpen: true);

    private static long s_count;

    private readonly Stream _stream;
    private readonly Action _cut;
    private readonly Action? _ended;
    private readonly CancellationTokenSource _closed = new();
    private int _disposed;

    /// <param name="stream">What is read and written; the connection's from now on.</param>
    /// <param name="local">This side's address.</param>
    /// <param name="remote">The other side's.</param>
    /// <param name="cut">Ends both ways at once.</param>
    /// <param name="ended">Told once when it is over.</param>
    public StreamConnection(Stream stream, EndPoint? local, EndPoint? remote, Action cut, Action? ended)
    {
        _stream = stream;
        _cut = cut;
        _ended = ended;
        LocalEndPoint = local;
        RemoteEndPoint = remote;
        ConnectionClosed = _closed.Token;
        Transport = new DuplexPipe(PipeReader.Create(stream, ReaderOptions), new ConnectionWriter(PipeWriter.Create(stream, WriterOptions)));
    }

    public override IDuplexPipe Transport { get; set; }

    public override string ConnectionId { get; set; } = Interlocked.Increment(ref s_count).ToString(System.Globalization.CultureInfo.InvariantCulture);

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public override CancellationToken ConnectionClosed { get; set; }

    public override void Abort(ConnectionAbortedException abortReason) => _cut();

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        try
        {
            await Transport.Input.CompleteAsync();
            await Transport.Output.CompleteAsync();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // What was left to be sent has nobody to go to.
        }

        _cut();
        await _stream.DisposeAsync();
        await _closed.CancelAsync();
        _closed.Dispose();
        _ended?.Invoke();
    }
}
