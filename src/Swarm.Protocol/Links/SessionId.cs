namespace Swarm.Protocol.Links;

/// <summary>A session of a chain: 128 bits that its client draws.</summary>
public readonly record struct SessionId(ulong High, ulong Low)
{
    public bool IsNone => (High | Low) == 0;

    /// <summary>A new id; never <see cref="IsNone"/>.</summary>
    public static SessionId Draw(IRandomSource random)
    {
        SessionId id;
        do
            id = new SessionId(random.NextUInt64(), random.NextUInt64());
        while (id.IsNone);
        return id;
    }

    /// <summary>32 hexadecimal digits.</summary>
    public override string ToString() => $"{High:x16}{Low:x16}";
}
