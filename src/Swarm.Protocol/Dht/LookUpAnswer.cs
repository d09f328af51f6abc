namespace Swarm.Protocol.Dht;

/// <summary>What a peer said in a look-up.</summary>
/// <param name="Contacts">Whom it names; null: it did not answer.</param>
/// <param name="IsHolder">Whether it brought records that count.</param>
internal readonly record struct LookUpAnswer(IReadOnlyList<DhtContact>? Contacts, bool IsHolder)
{
    public static LookUpAnswer None => default;
}
