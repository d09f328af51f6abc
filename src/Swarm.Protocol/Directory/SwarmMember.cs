using Google.Protobuf;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>
/// A peer's footing in a swarm, node or client: its credentials, the transport made of them, its part in the DHT, and what it asks of records. Directories of models
/// stand on it.
/// </summary>
public sealed class SwarmMember : IAsyncDisposable
{
    /// <summary>An attempt to join that took so long met silence.</summary>
    private static readonly TimeSpan SilentTime = TimeSpan.FromSeconds(1);

    private readonly MemberOptions _options;
    private readonly RevocationRecords _revocations;

    /// <param name="options">Who it is, and how it reaches others.</param>
    public SwarmMember(MemberOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        Credentials = PeerCredentials.Create(options.Key, options.Invite, options.Time);
        Transport = options.Transport(Credentials);
        Policy = new DirectoryRecordPolicy(Swarm, Credentials.Gate);
        Dht = new DhtNode(options.Key, Swarm, Transport, options.Time, options.Random, options.Dht with { IsClient = options.IsClient }, Policy);
        _revocations = new RevocationRecords(options.Key, Dht, Credentials.Gate, options.Time, options.Random, options.IsClient);
        Client = new DirectoryClient(Transport, options.Time, options.Patience);
        Models = new ModelLookUp(Swarm, Dht, Client);
    }

    public SwarmId Swarm => Credentials.Swarm;

    public PeerId Peer => Credentials.Peer;

    public PeerCredentials Credentials { get; }

    public ITransport Transport { get; }

    public DirectoryRecordPolicy Policy { get; }

    public DhtNode Dht { get; }

    public DirectoryClient Client { get; }

    public ModelLookUp Models { get; }

    /// <summary>Keeps the DHT's part and what is known of revocations fresh until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(Dht.RunAsync(cancellationToken), _revocations.RunAsync(cancellationToken));

    /// <summary>Becomes known to those of the endpoints that answer, and to who is near.</summary>
    /// <param name="bootstrap">Whom to call first.</param>
    /// <param name="mayBeAlone">Nobody there is no failure: the DHT calls them again until somebody answers.</param>
    /// <param name="cancellationToken">Ends waiting.</param>
    /// <exception cref="SwarmException">NotAMember, VersionMismatch: everybody who answered refused; PeerUnreachable: nobody answered.</exception>
    public async Task JoinAsync(IReadOnlyList<PeerEndpoint> bootstrap, bool mayBeAlone, CancellationToken cancellationToken)
    {
        long start = _options.Time.GetTimestamp();
        JoinOutcome outcome;
        TimeSpan before;
        TimeSpan now = TimeSpan.Zero;
        int refusals = 0;
        do
        {
            before = now;
            outcome = await Dht.JoinAsync(bootstrap, cancellationToken);
            if (outcome.Contacts > 0)
            {
                await _revocations.RefreshAsync(cancellationToken);
                return;
            }

            now = _options.Time.GetElapsedTime(start);
            refusals = MembershipVerdict.Refusal(outcome.Faults) is null ? 0 : refusals + 1;
        }
        // Who refuses does so at once, and again; silence may be a machine or a way that is slow just now.
        while (now < _options.Patience && (refusals == 1 || now - before >= SilentTime));

        // Who lets this side in and refuses it then has more to say than who does not let it in, and that more than silence.
        SwarmException? fault = outcome.Faults.FirstOrDefault(fault => fault.Fault is not (FaultKind.PeerUnreachable or FaultKind.NotAMember))
            ?? MembershipVerdict.Refusal(outcome.Faults) ?? outcome.Faults.LastOrDefault();
        if (fault is null ? !mayBeAlone : !mayBeAlone || fault.Fault != FaultKind.PeerUnreachable)
            throw fault ?? new SwarmException(FaultKind.PeerUnreachable, "nobody to call: the invite names no address but this peer's own");
    }

    /// <summary>Asks all whose address it knows whether they let this peer in, twice where they refuse.</summary>
    /// <param name="also">Others to ask.</param>
    /// <param name="cancellationToken">Ends waiting.</param>
    /// <returns>NotAMember, where nobody does and all who say anything refuse; else null.</returns>
    public async Task<SwarmException?> FindRefusalAsync(IEnumerable<PeerEndpoint> also, CancellationToken cancellationToken)
    {
        PeerEndpoint[] others = [.. also];
        return MembershipVerdict.Refusal(await Dht.AskAllAsync(others, cancellationToken)) is null
            ? null
            : MembershipVerdict.Refusal(await Dht.AskAllAsync(others, cancellationToken));
    }

    /// <summary>A directory of one model. The caller runs and disposes it.</summary>
    /// <param name="modelIdentity">32 bytes.</param>
    /// <param name="modelBlocks">Blocks of the whole model.</param>
    public SwarmDirectory OpenDirectory(ByteString modelIdentity, int modelBlocks)
    {
        var directory = new SwarmDirectory(NewOptions(modelIdentity, modelBlocks), Dht, Transport, Policy, Credentials.Gate);
        directory.Changed += change =>
        {
            // Look-ups shall not wait for the dead either.
            if (change.Change == DirectoryChange.Removed)
                Dht.Forget(change.Node.Peer);
        };
        return directory;
    }

    /// <summary>Takes a revocation list over, hands it to nodes that the DHT knows, of which each passes it on, and stores it for those who come later.</summary>
    /// <returns>Nodes that took it or had it already.</returns>
    public async Task<int> PublishRevocationsAsync(RevocationList list, CancellationToken cancellationToken)
    {
        var request = new ExchangeRequest
        {
            WireVersion = WireVersion.Current,
            RevocationsSequence = list.Sequence,
            Revocations = UnsafeByteOperations.UnsafeWrap(list.ToBytes()),
        };
        bool[] told = await Task.WhenAll(Dht.Contacts.Take(DirectoryLimits.DirectFanOut).Select(contact => TellAsync(contact, request, cancellationToken)));
        await _revocations.PublishAsync(list, cancellationToken);

        // Only now: who is shut out by the list shall have heard why.
        Credentials.Gate.Update(list);
        return told.Count(reached => reached);
    }

    /// <summary>Leaves without a word, closes all connections and disposes the transport.</summary>
    public async ValueTask DisposeAsync()
    {
        Dht.Dispose();
        await Transport.DisposeAsync();
        Credentials.Dispose();
        if (_options.OwnsKey)
            _options.Key.Dispose();
    }

    private async Task<bool> TellAsync(PeerEndpoint contact, ExchangeRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await Client.ExchangeAsync(contact, request, cancellationToken);
            return true;
        }
        catch (SwarmException)
        {
            // Others tell it, if it lives.
            return false;
        }
    }

    private DirectoryOptions NewOptions(ByteString modelIdentity, int modelBlocks) => new()
    {
        Swarm = Swarm,
        ModelIdentity = modelIdentity,
        ModelBlocks = modelBlocks,
        Self = _options.IsClient ? null : Peer,
        Time = _options.Time,
        Random = _options.Random,
    };
}
