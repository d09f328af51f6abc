using Swarm.Cli.Framework;
using Swarm.Protocol;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Home;

/// <summary>
/// What a home keeps of one swarm: what its own nodes are members by, the invite that it hands out, the addresses of members seen last, and, where the swarm
/// was founded, its root key and the invites issued.
/// </summary>
internal sealed class SwarmFolder
{
    /// <summary>Addresses kept, newest first; each that is gone costs whoever dials a moment.</summary>
    public const int MaxAddresses = 16;

    private const int MaxTextBytes = 16 << 10;

    /// <summary>Stands in an invite before any node of the swarm has listened: this machine, and the port that a first node takes.</summary>
    private static readonly PeerAddress Provisional = new("127.0.0.1", Swarm.Node.NodeOptions.FirstPort);

    private readonly string _path;

    public SwarmFolder(string path, SwarmId id)
    {
        _path = path;
        Id = id;
    }

    public SwarmId Id { get; }

    /// <summary>True where the root key is: here invites are issued and revoked.</summary>
    public bool IsFounder => File.Exists(RootPath);

    private string RootPath => Path.Combine(_path, "root.pem");

    private string MembershipPath => Path.Combine(_path, "membership");

    private string InvitePath => Path.Combine(_path, "invite");

    private string AddressesPath => Path.Combine(_path, "addresses");

    private string RevocationsPath => Path.Combine(_path, "revocations");

    private string IssuedPath => Path.Combine(_path, "issued");

    /// <summary>What this home's nodes and clients are members by; its addresses are those of members seen last.</summary>
    /// <exception cref="CommandException">CorruptHome, OpenFile: the file is named.</exception>
    public SwarmInvite ReadMembership() =>
        WithKnownAddresses(TryReadInvite(MembershipPath) ?? throw PrivateFiles.Corrupt(MembershipPath, "missing"));

    /// <summary>What this home hands out. A founder's nodes are members by another grant, so that ending this one does not end them.</summary>
    public SwarmInvite ReadInvite() => TryReadInvite(InvitePath) is { } shared ? WithKnownAddresses(shared) : ReadMembership();

    public void WriteMembership(SwarmInvite invite) => WriteInvite(MembershipPath, invite);

    public void WriteInvite(SwarmInvite invite) => WriteInvite(InvitePath, invite);

    /// <summary>The root key; the caller disposes it.</summary>
    /// <exception cref="CommandException">CorruptHome, OpenFile.</exception>
    public SwarmRoot OpenRoot()
    {
        PrivateFiles.CheckClosed(RootPath);
        string pem = PrivateFiles.TryReadText(RootPath, PeerKey.MaxPemLength) ?? throw PrivateFiles.Corrupt(RootPath, "missing");
        try
        {
            SwarmRoot root = SwarmRoot.FromPem(pem);
            if (root.Swarm == Id)
                return root;
            root.Dispose();
            throw PrivateFiles.Corrupt(RootPath, $"the root key of swarm {root.Swarm.Short}, expected that of {Id.Short}");
        }
        catch (FormatException exception)
        {
            throw PrivateFiles.Corrupt(RootPath, exception.Message, exception);
        }
    }

    public void WriteRoot(SwarmRoot root) => PrivateFiles.WriteText(RootPath, root.ToPem().Trim());

    /// <summary>Members' addresses, newest first. Lines that are none are passed over: they are hints, and a call tells the rest.</summary>
    public IReadOnlyList<PeerAddress> ReadAddresses()
    {
        string text = PrivateFiles.TryReadText(AddressesPath, MaxTextBytes) ?? "";
        List<PeerAddress> addresses = [];
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (PeerAddress.TryParse(line, out PeerAddress address) && address.Port > 0 && !addresses.Contains(address) && addresses.Count < MaxAddresses)
                addresses.Add(address);
        }

        return addresses;
    }

    /// <summary>Puts these before the addresses kept; the oldest go.</summary>
    public void AddAddresses(IEnumerable<PeerAddress> newest)
    {
        IReadOnlyList<PeerAddress> known = ReadAddresses();
        PeerAddress[] merged = [.. newest.Concat(known).Where(address => address.Port > 0).Distinct().Take(MaxAddresses)];
        if (!merged.SequenceEqual(known))
            PrivateFiles.WriteText(AddressesPath, string.Join('\n', merged));
    }

    public void RemoveAddress(PeerAddress address)
    {
        IReadOnlyList<PeerAddress> known = ReadAddresses();
        if (known.Contains(address))
            PrivateFiles.WriteText(AddressesPath, string.Join('\n', known.Where(other => other != address)));
    }

    /// <summary>Invites issued here, by id; those that are revoked too.</summary>
    public IReadOnlyList<SwarmInvite> ReadIssued()
    {
        if (!Directory.Exists(IssuedPath))
            return [];
        return [.. Directory.GetFiles(IssuedPath).Where(path => Path.GetExtension(path).Length == 0).Order(StringComparer.Ordinal).Select(path => TryReadInvite(path)!)];
    }

    public void AddIssued(SwarmInvite invite) => WriteInvite(Path.Combine(IssuedPath, invite.Id.ToString()), invite);

    /// <summary>The newest root-signed list that this home has seen; null before the first.</summary>
    /// <exception cref="CommandException">CorruptHome.</exception>
    public RevocationList? ReadRevocations()
    {
        if (PrivateFiles.TryRead(RevocationsPath, MembershipLimits.MaxRevocationBytes * 2) is not { } bytes)
            return null;
        try
        {
            RevocationList list = RevocationList.Parse(bytes);
            return list.Swarm == Id && list.IsSignedByRoot() ? list : throw PrivateFiles.Corrupt(RevocationsPath, "not signed by this swarm's root");
        }
        catch (MembershipException exception)
        {
            throw PrivateFiles.Corrupt(RevocationsPath, exception.Message, exception);
        }
    }

    public void WriteRevocations(RevocationList list) => PrivateFiles.Write(RevocationsPath, list.ToBytes());

    // Members seen last come first; what the invite itself says may still hold, but for the address that stands in for none.
    private SwarmInvite WithKnownAddresses(SwarmInvite invite)
    {
        IReadOnlyList<PeerAddress> known = ReadAddresses();
        return known.Count == 0
            ? invite
            : invite.WithAddresses([.. known.Concat(invite.Addresses.Where(address => address != Provisional || !IsFounder)).Distinct().Take(MaxAddresses)]);
    }

    private static void WriteInvite(string path, SwarmInvite invite) =>
        PrivateFiles.WriteText(path, (invite.Addresses.IsEmpty ? invite.WithAddresses([Provisional]) : invite).ToText());

    private SwarmInvite? TryReadInvite(string path)
    {
        PrivateFiles.CheckClosed(path);
        if (PrivateFiles.TryReadText(path, MaxTextBytes) is not { } text)
            return null;
        try
        {
            SwarmInvite invite = SwarmInvite.Parse(text);
            return invite.Swarm == Id ? invite : throw PrivateFiles.Corrupt(path, $"an invite of swarm {invite.Swarm.Short}, expected one of {Id.Short}");
        }
        catch (SwarmException exception)
        {
            throw PrivateFiles.Corrupt(path, exception.Message, exception);
        }
    }
}
