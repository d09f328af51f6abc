using Google.Protobuf;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Membership;

/// <summary>The key that a swarm is named by. Stays with the founder; whoever has it decides who is a member.</summary>
public sealed class SwarmRoot : IDisposable
{
    private readonly PeerKey _key;

    private SwarmRoot(PeerKey key)
    {
        _key = key;
        Swarm = SwarmId.OfPublicKey(key.PublicKey.Span);
    }

    public SwarmId Swarm { get; }

    /// <summary>SubjectPublicKeyInfo, 91 bytes.</summary>
    public ReadOnlyMemory<byte> PublicKey => _key.PublicKey;

    /// <summary>A new swarm.</summary>
    public static SwarmRoot Found() => new(PeerKey.Create());

    /// <summary>A swarm of a key that is known already; it is disposed with the root.</summary>
    public static SwarmRoot Of(PeerKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return new SwarmRoot(key);
    }

    /// <summary>Reads what <see cref="ToPem"/> writes.</summary>
    /// <exception cref="FormatException">The text is no private key on P-256 in PEM.</exception>
    public static SwarmRoot FromPem(string pem) => new(PeerKey.FromPem(pem));

    /// <summary>The private key as PKCS#8 in PEM, not encrypted: for an owner-only file.</summary>
    public string ToPem() => _key.ToPem();

    /// <summary>A new invite with its own key.</summary>
    /// <param name="addresses">Where members listen, best first; at most 16, and at least one before the text is written.</param>
    /// <param name="terms">What it allows.</param>
    /// <exception cref="ArgumentException">Too many addresses, a label that is too long, or an end before 1970.</exception>
    public SwarmInvite Issue(IReadOnlyList<PeerAddress> addresses, GrantTerms? terms = null) => Issue(addresses, terms, PeerKey.Create());

    /// <summary>The same with a key that is known already; it is the invite's from here on.</summary>
    /// <exception cref="ArgumentException">As for the other.</exception>
    public SwarmInvite Issue(IReadOnlyList<PeerAddress> addresses, GrantTerms? terms, PeerKey inviteKey)
    {
        ArgumentNullException.ThrowIfNull(inviteKey);
        terms ??= new GrantTerms();
        if (terms.Label.Length > MembershipLimits.MaxLabelLength)
            throw new ArgumentException($"label of {terms.Label.Length} characters, expected at most {MembershipLimits.MaxLabelLength}", nameof(terms));
        long notAfter = terms.NotAfter?.ToUnixTimeSeconds() ?? 0;
        if (terms.NotAfter is not null && notAfter <= 0)
            throw new ArgumentException($"end {terms.NotAfter}, expected after 1970", nameof(terms));
        Grant grant = Grant.Sign(_key, new GrantBody
        {
            RootKey = UnsafeByteOperations.UnsafeWrap(_key.PublicKey),
            InviteKey = UnsafeByteOperations.UnsafeWrap(inviteKey.PublicKey),
            NotAfterSeconds = notAfter,
            Public = terms.Public,
            Label = terms.Label,
        });
        return SwarmInvite.Create(grant, inviteKey, addresses);
    }

    /// <summary>Signs a list that replaces those of lower numbers.</summary>
    /// <exception cref="ArgumentException">More entries or staying peers than the limits allow.</exception>
    public RevocationList SignRevocations(ulong sequence, IReadOnlyList<Revocation> entries) => RevocationList.Sign(_key, sequence, entries);

    public void Dispose() => _key.Dispose();
}
