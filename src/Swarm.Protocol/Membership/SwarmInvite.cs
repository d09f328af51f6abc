using System.Buffers.Text;
using System.Collections.Immutable;
using Google.Protobuf;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Membership;

/// <summary>What makes a member: where others are, the root's grant, and the invite's private key. Immutable. Whoever has the text is a member; it is a secret.</summary>
public sealed class SwarmInvite
{
    private const string Prefix = "swarm1";

    private readonly PeerKey _key;

    private SwarmInvite(Grant grant, PeerKey key, ImmutableArray<PeerAddress> addresses, ReadOnlyMemory<byte> modelIdentity, string modelName,
        ReadOnlyMemory<byte> descriptionHash)
    {
        Grant = grant;
        _key = key;
        Addresses = addresses;
        ModelIdentity = modelIdentity;
        ModelName = modelName;
        DescriptionHash = descriptionHash;
    }

    public SwarmId Swarm => Grant.Swarm;

    /// <summary>The invite's own id, by which it is revoked.</summary>
    public GrantId Id => Grant.Id;

    public Grant Grant { get; }

    /// <summary>Where members listened when it was written, best first. At most 16.</summary>
    public ImmutableArray<PeerAddress> Addresses { get; }

    /// <summary>32 bytes; empty where any model goes.</summary>
    public ReadOnlyMemory<byte> ModelIdentity { get; }

    /// <summary>For people; may be empty.</summary>
    public string ModelName { get; }

    /// <summary>SHA-256 of the model's description: what whoever wrote the invite takes for the model's tokenizer and template. 32 bytes, or empty.</summary>
    public ReadOnlyMemory<byte> DescriptionHash { get; }

    /// <summary>Reads the text.</summary>
    /// <exception cref="SwarmException">InvalidInvite, naming what is wrong.</exception>
    public static SwarmInvite Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = text.Trim();
        if (text.Length > ChainLimits.MaxInviteLength)
            throw Bad($"{text.Length} characters, expected at most {ChainLimits.MaxInviteLength}");
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
            throw Bad($"begins with '{text[..Math.Min(text.Length, 8)]}', expected '{Prefix}'");
        ReadOnlySpan<char> encoded = text.AsSpan(Prefix.Length);
        if (encoded.IsEmpty || !Base64Url.IsValid(encoded))
            throw Bad($"'{Prefix}' is not followed by base64url; is it complete?");
        try
        {
            return Read(InviteData.Parser.ParseFrom(Base64Url.DecodeFromChars(encoded)));
        }
        catch (Exception exception) when (exception is InvalidProtocolBufferException or FormatException)
        {
            throw Bad("its bytes are damaged; is it complete?", exception);
        }
        catch (MembershipException exception)
        {
            throw Bad(exception.Message, exception);
        }
    }

    /// <summary>The text: <c>swarm1</c>, then base64url of the protobuf message. A secret.</summary>
    /// <exception cref="InvalidOperationException">There is no address in it.</exception>
    public string ToText()
    {
        if (Addresses.IsEmpty)
            throw new InvalidOperationException("an invite without an address leads nowhere; add one first");
        var data = new InviteData
        {
            Grant = Grant.Wire,
            InvitePrivateKey = UnsafeByteOperations.UnsafeWrap(_key.ExportScalar()),
            ModelIdentity = UnsafeByteOperations.UnsafeWrap(ModelIdentity),
            ModelName = ModelName,
            DescriptionHash = UnsafeByteOperations.UnsafeWrap(DescriptionHash),
        };
        foreach (PeerAddress address in Addresses)
            data.Addresses.Add(address.ToString());
        return Prefix + Base64Url.EncodeToString(data.ToByteArray());
    }

    /// <summary>The same invite with other addresses.</summary>
    /// <exception cref="ArgumentException">More than 16.</exception>
    public SwarmInvite WithAddresses(IReadOnlyList<PeerAddress> addresses) => 
        new(Grant, _key, Checked(addresses), ModelIdentity, ModelName, DescriptionHash);

    /// <summary>The same invite with another model.</summary>
    /// <param name="identity">32 bytes, or none.</param>
    /// <param name="name">At most 200 characters.</param>
    /// <param name="descriptionHash">32 bytes, or none.</param>
    /// <exception cref="ArgumentException">One of them is too long or too short.</exception>
    public SwarmInvite WithModel(ReadOnlyMemory<byte> identity, string name, ReadOnlyMemory<byte> descriptionHash = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (identity.Length is not (0 or 32))
            throw new ArgumentException($"model identity of {identity.Length} bytes, expected 32 or none", nameof(identity));
        if (name.Length > ChainLimits.MaxNameLength)
            throw new ArgumentException($"model name of {name.Length} characters, expected at most {ChainLimits.MaxNameLength}", nameof(name));
        if (descriptionHash.Length is not (0 or 32))
            throw new ArgumentException($"description hash of {descriptionHash.Length} bytes, expected 32 or none", nameof(descriptionHash));
        return new SwarmInvite(Grant, _key, Addresses, identity.ToArray(), name, descriptionHash.ToArray());
    }

    /// <summary>Makes a peer a member.</summary>
    public MembershipProof Prove(PeerKey peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return MembershipProof.Sign(_key, Grant, peer.PublicKey.Span);
    }

    internal static SwarmInvite Create(Grant grant, PeerKey key, IReadOnlyList<PeerAddress> addresses) => new(grant, key, Checked(addresses), default, "", default);

    private static ImmutableArray<PeerAddress> Checked(IReadOnlyList<PeerAddress> addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        return addresses.Count <= ChainLimits.MaxInviteAddresses
            ? [.. addresses]
            : throw new ArgumentException($"{addresses.Count} addresses, expected at most {ChainLimits.MaxInviteAddresses}", nameof(addresses));
    }

    private static SwarmInvite Read(InviteData data)
    {
        if (data.Addresses.Count is 0 or > ChainLimits.MaxInviteAddresses)
            throw Bad($"{data.Addresses.Count} addresses, expected 1 to {ChainLimits.MaxInviteAddresses}");
        var addresses = ImmutableArray.CreateBuilder<PeerAddress>(data.Addresses.Count);
        foreach (string text in data.Addresses)
            addresses.Add(PeerAddress.TryParse(text, out PeerAddress address, out string? error) ? address : throw Bad(error));
        if (data.ModelIdentity.Length is not (0 or 32))
            throw Bad($"model identity of {data.ModelIdentity.Length} bytes, expected 32 or none");
        if (data.ModelName.Length > ChainLimits.MaxNameLength)
            throw Bad($"model name of {data.ModelName.Length} characters, expected at most {ChainLimits.MaxNameLength}");
        if (data.DescriptionHash.Length is not (0 or 32))
            throw Bad($"description hash of {data.DescriptionHash.Length} bytes, expected 32 or none");
        Grant grant = Grant.Read(data.Grant);
        if (!grant.IsSignedByRoot())
            throw Bad("its grant is not signed by the swarm's root");
        PeerKey key = PeerKey.TryFromScalar(data.InvitePrivateKey.Span, grant.InviteKey.Span)
            ?? throw Bad($"private key of {data.InvitePrivateKey.Length} bytes is not the grant's");
        return new SwarmInvite(grant, key, addresses.MoveToImmutable(), data.ModelIdentity.Memory, data.ModelName, data.DescriptionHash.Memory);
    }

    private static SwarmException Bad(string message, Exception? inner = null) => new(FaultKind.InvalidInvite, "invite: " + message, inner: inner);
}
