using System.IO.Pipelines;

namespace Swarm.Protocol.Transport;

/// <summary>What the two sides of a call in one process share: a pipe each way, the head and the tail of the answer. Continuations run where the bytes come from: no thread pool.</summary>
internal sealed class InMemoryCall
{
    private static readonly PipeOptions PipeSettings = new(
        readerScheduler: PipeScheduler.Inline,
        writerScheduler: PipeScheduler.Inline,
        pauseWriterThreshold: 1 << 20,
        resumeWriterThreshold: 1 << 19,
        minimumSegmentSize: 4 << 10);

    public Pipe Requests { get; } = new(PipeSettings);

    public Pipe Responses { get; } = new(PipeSettings);

    public TaskCompletionSource<ResponseHead> Head { get; } = new();

    /// <summary>Set before the end of <see cref="Responses"/>.</summary>
    public ResponseTail? Tail { get; set; }

    /// <summary>The client went away.</summary>
    public CancellationTokenSource ClientGone { get; } = new();
}
