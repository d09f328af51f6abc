using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>A step that was sent and has not come back.</summary>
internal sealed class PendingStep(int position, int count, int rows, Memory<float> result)
{
    public int Position { get; } = position;

    public int Count { get; } = count;

    /// <summary>Rows of hidden states that must come back.</summary>
    public int Rows { get; } = rows;

    /// <summary>Where the rows go; nowhere once the caller has given up.</summary>
    public Memory<float> Result { get; private set; } = result;

    public bool IsAbandoned { get; private set; }

    /// <summary>The result's header, once it has come.</summary>
    public StepResult? Header { get; set; }

    /// <summary>Rows that are arriving.</summary>
    public HiddenPacket? Packet { get; set; }

    public int Filled { get; set; }

    /// <summary>The caller waits no longer and may use its memory for something else.</summary>
    public void Abandon()
    {
        IsAbandoned = true;
        Result = default;
    }

    /// <summary>Ends with the step. Who waits goes on in another thread, so that nobody's code runs in the link's reading loop.</summary>
    public TaskCompletionSource Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
