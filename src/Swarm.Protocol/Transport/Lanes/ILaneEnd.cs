namespace Swarm.Protocol.Transport;

/// <summary>Who is told what a lane's reading brings. Called by the reading thread, one thing at a time; messages go into the lane's pipe instead.</summary>
internal interface ILaneEnd
{
    /// <summary>What opens the call or its answer.</summary>
    /// <exception cref="LaneException">It is none.</exception>
    void OnHead(ReadOnlySpan<byte> block);

    /// <summary>The end of the answer.</summary>
    /// <exception cref="LaneException">It is none, or none belongs here.</exception>
    void OnTail(ReadOnlySpan<byte> block);

    /// <summary>No request follows.</summary>
    /// <exception cref="LaneException">None belongs here.</exception>
    void OnRequestsEnd();
}
