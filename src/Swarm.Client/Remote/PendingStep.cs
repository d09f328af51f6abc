using Google.Protobuf;

namespace Swarm.Client;

/// <summary>A step that was asked for and has not come back. Keeps its packet until then: sent again, the bytes are those first sent.</summary>
internal sealed class PendingStep(int position, int count, OutputRows outputs, Memory<float> result, StepInput input, bool isRollback, Memory<int> next = default)
{
    public int Position { get; } = position;

    public int Count { get; } = count;

    public int End => Position + Count;

    public OutputRows Outputs { get; } = outputs;

    /// <summary>Rows of hidden states that must come back.</summary>
    public int Rows { get; } = input.IsTokens ? 0 : RowsOf(outputs, count);

    /// <summary>Ids that must come back.</summary>
    public int Ids { get; } = input.IsTokens && outputs == OutputRows.Last ? 1 : 0;

    /// <summary>It overwrites positions that the session held when it was asked for.</summary>
    public bool IsRollback { get; } = isRollback;

    /// <summary>The hops of the current epoch, or of one before it, were told with its opening that what it overwrites counts no more.</summary>
    public bool IsTold { get; set; }

    /// <summary>What it sends. One share is the step's.</summary>
    public StepInput Input { get; } = input;

    /// <summary>Names of the beginnings that it completes.</summary>
    public IReadOnlyList<ByteString> Labels { get; set; } = [];

    /// <summary>It is on its way in the current epoch.</summary>
    public bool IsSent { get; set; }

    /// <summary>The epoch in which it was sent first; null before. A result of an earlier one answers another step.</summary>
    public uint? FirstEpoch { get; set; }

    /// <summary>Where the rows go; nowhere once the caller has given up.</summary>
    public Memory<float> Result { get; private set; } = result;

    /// <summary>Where the id chosen goes.</summary>
    public Memory<int> Next { get; private set; } = next;

    public bool IsAbandoned { get; private set; }

    /// <summary>The caller waits no longer and may use its memory for something else.</summary>
    public void Abandon()
    {
        IsAbandoned = true;
        Result = default;
        Next = default;
    }

    /// <summary>Ends with the step. Who waits goes on in another thread, so that nobody's code runs in the link's reading loop.</summary>
    public TaskCompletionSource Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static int RowsOf(OutputRows outputs, int count) => outputs switch
    {
        OutputRows.None => 0,
        OutputRows.Last => 1,
        _ => count,
    };
}
