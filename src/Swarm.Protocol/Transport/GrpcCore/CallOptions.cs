namespace Grpc.Core;

/// <summary>What a caller says about one call.</summary>
public struct CallOptions
{
    private WriteOptions? _writeOptions;

    /// <param name="deadline">A time in UTC, by the clock that the transport was given; null: none.</param>
    public CallOptions(Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default, WriteOptions? writeOptions = null)
    {
        Headers = headers;
        Deadline = deadline;
        CancellationToken = cancellationToken;
        _writeOptions = writeOptions;
    }

    public Metadata? Headers { get; private set; }

    public DateTime? Deadline { get; private set; }

    public CancellationToken CancellationToken { get; private set; }

    public readonly WriteOptions? WriteOptions => _writeOptions;

    public readonly CallOptions WithHeaders(Metadata headers)
    {
        CallOptions copy = this;
        copy.Headers = headers;
        return copy;
    }

    public readonly CallOptions WithDeadline(DateTime deadline)
    {
        CallOptions copy = this;
        copy.Deadline = deadline;
        return copy;
    }

    public readonly CallOptions WithCancellationToken(CancellationToken cancellationToken)
    {
        CallOptions copy = this;
        copy.CancellationToken = cancellationToken;
        return copy;
    }

    public readonly CallOptions WithWriteOptions(WriteOptions writeOptions)
    {
        CallOptions copy = this;
        copy._writeOptions = writeOptions;
        return copy;
    }
}
