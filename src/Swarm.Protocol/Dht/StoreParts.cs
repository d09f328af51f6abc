namespace Swarm.Protocol.Dht;

/// <summary>Cuts records into messages that are not too long.</summary>
internal static class StoreParts
{
    /// <summary>What else a message holds: version and addresses, at most.</summary>
    private const int FrameBytes = 4096;

    /// <summary>What the fields around a record take.</summary>
    private const int RecordFrameBytes = 16;

    public static IEnumerable<IReadOnlyList<HeldCopy>> Split(IReadOnlyList<HeldCopy> records)
    {
        var part = new List<HeldCopy>();
        int bytes = FrameBytes;
        foreach (HeldCopy held in records)
        {
            int more = held.Record.EncodedBytes + RecordFrameBytes;
            if (part.Count == DhtLimits.MaxStoreRecords || bytes + more > DhtLimits.MaxMessageBytes)
            {
                yield return part;
                part = [];
                bytes = FrameBytes;
            }

            part.Add(held);
            bytes += more;
        }

        if (part.Count > 0)
            yield return part;
    }
}
