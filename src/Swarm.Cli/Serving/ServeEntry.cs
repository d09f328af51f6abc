using Swarm.Cli.Framework;
using Swarm.Cli.Home;
using Swarm.Protocol;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Serving;

/// <summary>
/// By what a node enters which swarm: its key, its membership, whom it calls first; and what its home remembers of it. A child of demo or bench has all of it in memory
/// and leaves nothing behind.
/// </summary>
internal sealed class ServeEntry : IDisposable
{
    /// <summary>Peers that come and go are noted at most so often.</summary>
    private static readonly TimeSpan NoteInterval = TimeSpan.FromSeconds(30);

    private readonly CommandContext _context;
    private readonly Lock _lock = new();
    private SwarmFolder? _folder;
    private FileLock? _starting;
    private PeerAddress? _local;
    private long _notedAt;

    // Heard of before the home remembers the swarm: a node learns of most others before it is ready.
    private readonly List<PeerAddress> _heard = [];

    private ServeEntry(CommandContext context, PeerKey key, SwarmInvite membership)
    {
        _context = context;
        Key = key;
        Membership = membership;
    }

    /// <summary>Who the node is.</summary>
    public PeerKey Key { get; }

    /// <summary>What it is a member by; its addresses are called first.</summary>
    public SwarmInvite Membership { get; }

    /// <summary>What it hands out; null: what it is a member by.</summary>
    public SwarmInvite? HandedOut => _folder?.ReadInvite();

    /// <summary>This process has just founded the swarm.</summary>
    public bool Founded { get; private init; }

    /// <summary>Nobody to be reached is no failure: the swarm was founded here, or this home has been in it before.</summary>
    public bool MayStartAlone { get; private init; }

    /// <summary>Its place in the home; null for a child.</summary>
    public NodeSlot? Slot { get; private init; }

    /// <summary>Why the node may go on no longer; null while it may.</summary>
    public CommandException? Expelled { get; private set; }

    /// <summary>Chooses the swarm: that of --join, else the home's, else a new one.</summary>
    /// <exception cref="CommandException">What is wrong with the home.</exception>
    /// <exception cref="SwarmException">InvalidInvite.</exception>
    public static async Task<ServeEntry> ChooseAsync(CommandContext context, bool child)
    {
        SwarmInvite? named = SwarmChoice.Named(context);
        bool isPublic = context.Get(CommonSettings.Public);
        if (child)
            return Child(context, named, isPublic);

        NodeSlot slot = NodeSlot.Take(context.Home);
        FileLock? starting = null;
        PeerKey? key = null;
        try
        {
            key = slot.OpenKey();
            HomeSwarms swarms = new(context.Home);

            // Two nodes that start at once in an empty home shall not found a swarm each, nor one of them look for the other before it listens.
            starting = await swarms.LockAsync(context.Time, context.Interrupts.Polite);
            SwarmFolder? folder = named is null ? swarms.Current() : swarms.Find(named.Swarm);
            bool founded = folder is null && named is null;
            if (founded)
                folder = swarms.Found(isPublic, null);
            SwarmInvite membership = named is null || folder is { IsFounder: true } ? folder!.ReadMembership() : named;
            if (named is not null && folder is not null)
                membership = membership.WithAddresses([.. named.Addresses.Concat(folder.ReadAddresses()).Distinct().Take(SwarmFolder.MaxAddresses)]);
            if (isPublic && !membership.Grant.IsPublic)
                throw new UsageException($"--public: swarm {membership.Swarm.Short} is private, and stays what it was founded as; 'swarm invite --new --public' founds a public one");
            ServeEntry entry = new(context, key, membership) { Founded = founded, MayStartAlone = folder is not null, Slot = slot, _folder = folder };

            // Where somebody can be called there is nothing to wait for.
            if (founded || folder?.ReadAddresses().Count == 0)
                entry._starting = starting;
            else
                starting.Dispose();
            return entry;
        }
        catch
        {
            starting?.Dispose();
            key?.Dispose();
            slot.Dispose();
            throw;
        }
    }

    /// <summary>Whom the node calls first: --dial, else what is known.</summary>
    public IReadOnlyList<PeerAddress> Bootstrap() =>
        _context.Get(CommonSettings.Dial) is { } dial ? [dial] : Founded ? [] : [.. Membership.Addresses];

    /// <summary>The node's transport: it refuses from the start whom this home knows to be shut out, and what it hears of later is kept.</summary>
    public ITransport OpenTransport(PeerCredentials credentials, TransportOptions options)
    {
        if (_folder?.ReadRevocations() is { } known)
            credentials.Gate.Update(known);
        credentials.Gate.Changed += () => OnRevocations(credentials.Gate.Revocations!);
        return new GrpcTransport(options);
    }

    /// <summary>The node listens: others of this home may look for it.</summary>
    public void OnListening(PeerAddress address)
    {
        lock (_lock)
        {
            // Who starts beside it is on this machine.
            bool everywhere = address.Host is "0.0.0.0" or "::";
            _local = everywhere ? new PeerAddress("127.0.0.1", address.Port) : null;
            _folder?.AddAddresses([_local ?? address]);
            _starting?.Dispose();
            _starting = null;
        }
    }

    /// <summary>The node serves: the home remembers the swarm, and knows what to hand out.</summary>
    /// <param name="own">The node's invite, for its addresses and model.</param>
    /// <returns>The invite to show.</returns>
    public SwarmInvite OnReady(SwarmInvite own)
    {
        lock (_lock)
        {
            if (Slot is null)
                return own;
            if (!Founded)
                _folder = new HomeSwarms(_context.Home).Remember(Membership);
            if (_local is { } local && !own.Addresses.Contains(local))
                _folder!.RemoveAddress(local);
            _folder!.AddAddresses([.. own.Addresses, .. _heard]);
            _heard.Clear();
            SwarmInvite shown = _folder.ReadInvite().WithModel(own.ModelIdentity, own.ModelName, own.DescriptionHash);
            _folder.WriteInvite(shown);
            return shown;
        }
    }

    /// <summary>Another node was heard of: its address may serve when this home comes back.</summary>
    public void OnPeer(string address)
    {
        lock (_lock)
        {
            if (Slot is null || !PeerAddress.TryParse(address, out PeerAddress parsed))
                return;
            if (_folder is null)
            {
                if (_heard.Count < SwarmFolder.MaxAddresses / 2 && !_heard.Contains(parsed))
                    _heard.Add(parsed);
                return;
            }

            IReadOnlyList<PeerAddress> known = _folder.ReadAddresses();
            bool recently = _notedAt != 0 && _context.Time.GetElapsedTime(_notedAt) < NoteInterval;
            if (known.Contains(parsed) || (recently && known.Count >= SwarmFolder.MaxAddresses / 2))
                return;
            _notedAt = _context.Time.GetTimestamp();

            // Behind the newest, which is this node's own.
            _folder.AddAddresses([.. known.Take(1), parsed]);
        }
    }

    public void Dispose()
    {
        _starting?.Dispose();
        Key.Dispose();
        Slot?.Dispose();
    }

    private static ServeEntry Child(CommandContext context, SwarmInvite? named, bool isPublic)
    {
        if (named is not null)
            return new ServeEntry(context, PeerKey.Create(), named);
        using SwarmRoot root = SwarmRoot.Found();
        return new ServeEntry(context, PeerKey.Create(), root.Issue([], new GrantTerms { Public = isPublic })) { Founded = true, MayStartAlone = true };
    }

    private void OnRevocations(RevocationList list)
    {
        lock (_lock)
        {
            try
            {
                if (list.Sequence > (_folder?.ReadRevocations()?.Sequence ?? 0))
                    _folder?.WriteRevocations(list);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CommandException)
            {
                _context.Say($"the swarm's revocations were not kept: {exception.Message}");
            }
        }

        if (!list.Revokes(Membership.Id, Key.Id))
            return;
        Expelled = new CommandException(
            nameof(FaultKind.NotAMember), $"the founder of swarm {Membership.Swarm.Short} has ended invite {Membership.Id}, by which this node was a member; another invite lets it in again");
        _context.Interrupts.Request();
    }
}
