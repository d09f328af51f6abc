namespace Grpc.Core;

/// <summary>Writes the messages of a stream, one write at a time.</summary>
public interface IAsyncStreamWriter<in T>
{
    /// <summary>Options of the writes to come; null: flush after every message.</summary>
    WriteOptions? WriteOptions { get; set; }

    /// <summary>Writes a message; done when the transport's buffers have taken it.</summary>
    Task WriteAsync(T message);

    /// <summary>As above; a cancelled write cancels the call.</summary>
    Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
            throw new NotSupportedException("this stream writer does not take a cancellation token");
        return WriteAsync(message);
    }
}
