namespace Swarm.Protocol.Dht;

/// <summary>What a topic asks of its records beyond a sound signature. Called by holders before they keep a record and by readers before they believe one; thread-safe, and free of waiting.</summary>
public interface IRecordPolicy
{
    /// <summary>Null when the record may be held; otherwise why not, such as <see cref="RecordRefusal.WrongSchema"/> or <see cref="RecordRefusal.BlocksOutsideModel"/>.</summary>
    /// <param name="record">Everything but its payload has been checked.</param>
    RecordRefusal? Check(DhtRecord record);

    /// <summary>Bytes that a payload under a key may have; at most <see cref="DhtLimits.MaxLongPayloadBytes"/>.</summary>
    int MaxPayloadBytes(DhtKey key) => DhtLimits.MaxPayloadBytes;
}
