namespace Swarm.Client;

/// <summary>A session's totals up to the last step that came back.</summary>
/// <param name="Steps">Steps that this side sent.</param>
/// <param name="SentBytes">Bytes of frames that this side sent for the session.</param>
/// <param name="ReceivedBytes">Bytes of frames that this side received.</param>
/// <param name="Hops">In the order of the route.</param>
public sealed record ChainFigures(long Steps, long SentBytes, long ReceivedBytes, IReadOnlyList<HopFigures> Hops)
{
    /// <summary>Times that the chain had been replaced when the last result came: by a chain that is still being mended it comes before its recovery is told.</summary>
    public int Epoch { get; init; }

    /// <summary>
    /// Bytes a hidden value took between nodes, or between client and node where there is one node; 0 when nothing travelled.
    /// </summary>
    public double HiddenBytesPerValue
    {
        get
        {
            long bytes = 0;
            long values = 0;
            // The last hop's packets go to the client; they count only where there is no other.
            for (int hop = 0; hop < (Hops.Count > 1 ? Hops.Count - 1 : Hops.Count); hop++)
            {
                bytes += Hops[hop].HiddenBytes;
                values += Hops[hop].HiddenValues;
            }

            return values == 0 ? 0 : (double)bytes / values;
        }
    }
}
