using System.Collections.Immutable;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Dht;

/// <summary>What a peer answers: plain functions of the caller, the request and what the peer knows. A refusal is an <see cref="RpcException"/> that names field, value and limit.</summary>
internal sealed class DhtService
{
    private const int MaxCallers = RecordKeeper.MaxCallers;

    /// <summary>Bytes of an answer that a token of the look-up budget pays for.</summary>
    private const int BytesPerToken = 16 << 10;

    /// <summary>Records that a caller may name as known.</summary>
    private const int MaxKnownBytes = DhtLimits.MaxSigners * sizeof(ulong);

    /// <summary>Room in a page for the fields that are not records.</summary>
    private const int PageFrameBytes = 256;

    private readonly PeerId _self;
    private readonly ContactBook _book;
    private readonly RecordKeeper _keeper;
    private readonly Action<Contact> _heard;
    private readonly ILogger _logger;
    private readonly CallerBudget _budget;
    private readonly Lock _gate = new();

    /// <param name="self">This peer.</param>
    /// <param name="book">Whom it knows.</param>
    /// <param name="keeper">What it holds.</param>
    /// <param name="options">The callers' budgets.</param>
    /// <param name="heard">Told of each caller that says where it can be dialled.</param>
    /// <param name="logger">Told of refusals.</param>
    public DhtService(PeerId self, ContactBook book, RecordKeeper keeper, DhtOptions options, Action<Contact> heard, ILogger logger)
    {
        _self = self;
        _book = book;
        _keeper = keeper;
        _heard = heard;
        _logger = logger;
        _budget = new CallerBudget(options.LookUpBurst, options.LookUpsPerSecond, MaxCallers);
    }

    public ServerServiceDefinition Definition() => ServerServiceDefinition.CreateBuilder()
        .AddMethod(DhtMethods.Ping, (request, context) => Task.FromResult(Ping(context.GetPeer(), request)))
        .AddMethod(DhtMethods.FindNode, (request, context) => Task.FromResult(FindNode(context.GetPeer(), request)))
        .AddMethod(DhtMethods.FindRecords, (request, context) => Task.FromResult(FindRecords(context.GetPeer(), request)))
        .AddMethod(DhtMethods.Store, (request, context) => Task.FromResult(Store(context.GetPeer(), request)))
        .Build();

    public PingResponse Ping(PeerId caller, PingRequest request)
    {
        Admit(caller, request.WireVersion, request.Addresses);
        return new PingResponse { WireVersion = WireVersion.Current, Peer = _self.ToByteString() };
    }

    public FindNodeResponse FindNode(PeerId caller, FindNodeRequest request)
    {
        Admit(caller, request.WireVersion, request.Addresses);
        var response = new FindNodeResponse { WireVersion = WireVersion.Current };
        AddClosest(response.Contacts, caller, ReadKey(request.Target, "target"));
        return response;
    }

    public FindRecordsResponse FindRecords(PeerId caller, FindRecordsRequest request)
    {
        Admit(caller, request.WireVersion, request.Addresses);
        DhtKey key = ReadKey(request.Key, "key");
        PeerId? after = null;
        if (!request.AfterSigner.IsEmpty)
            after = PeerId.TryRead(request.AfterSigner, out PeerId signer) ? signer : throw Invalid($"after_signer: {request.AfterSigner.Length} bytes, expected {PeerId.Length} or none");
        if (request.Known.Length > MaxKnownBytes || request.Known.Length % sizeof(ulong) != 0)
            throw Invalid($"known: {request.Known.Length} bytes, expected a multiple of {sizeof(ulong)} of at most {MaxKnownBytes}");
        var contacts = new FindNodeResponse();
        if (after is null)
            AddClosest(contacts.Contacts, caller, key);
        FindRecordsResponse page = _keeper.Page(key, after, request.Known.Span, DhtLimits.MaxMessageBytes - PageFrameBytes - contacts.CalculateSize());
        page.Contacts.AddRange(contacts.Contacts);
        int bytes = page.CalculateSize();
        if (!TryTake(caller, bytes / BytesPerToken))
            throw Busy();
        return page;
    }

    public StoreResponse Store(PeerId caller, StoreRequest request)
    {
        Admit(caller, request.WireVersion, request.Addresses);
        if (request.Records.Count is 0 or > DhtLimits.MaxStoreRecords)
            throw Invalid($"records: {request.Records.Count}, expected 1 to {DhtLimits.MaxStoreRecords}");
        if (request.CalculateSize() is int bytes and > DhtLimits.MaxMessageBytes)
            throw Invalid($"message: {bytes} bytes, expected at most {DhtLimits.MaxMessageBytes}");
        var response = new StoreResponse { WireVersion = WireVersion.Current };
        foreach (HeldRecord held in request.Records)
        {
            RecordRefusal? refusal = _keeper.Hold(held.Record, caller, TimeSpan.FromMilliseconds(held.AgeMilliseconds));
            if (refusal is { } named and not RecordRefusal.NotNewer)
            {
                DhtMeter.Refused(named);
                DhtLog.RecordRefused(_logger, caller.Short, named);
            }

            response.Refusals.Add(refusal ?? RecordRefusal.Unspecified);
        }

        return response;
    }

    /// <summary>What every call has in common: version, budget, and where the caller can be dialled.</summary>
    private void Admit(PeerId caller, uint version, IReadOnlyList<string> addresses)
    {
        if (version != WireVersion.Current)
            throw new RpcException(new Status(StatusCode.FailedPrecondition, $"wire version: {version}, this node has {WireVersion.Current}"));
        if (!TryTake(caller, 1))
            throw Busy();
        ImmutableArray<PeerAddress> known = Contact.TryReadAddresses(addresses);
        if (known.IsDefault)
            throw Invalid($"addresses: {addresses.Count} of which one may be none, expected at most {DhtLimits.MaxAddresses} of the form host:port");
        if (known.Length > 0 && !caller.IsNone)
            _heard(new Contact(caller, known));
    }

    private bool TryTake(PeerId caller, int tokens)
    {
        lock (_gate)
            return _budget.TryTake(caller, tokens, _keeper.Now);
    }

    private void AddClosest(ICollection<DhtContact> contacts, PeerId caller, DhtKey target)
    {
        int left = DhtLimits.BucketSize;
        foreach (Contact contact in _book.Closest(target, DhtLimits.BucketSize + 1, sound: true))
        {
            if (contact.Peer != caller && left-- > 0)
                contacts.Add(contact.ToWire());
        }
    }

    private static DhtKey ReadKey(ByteString bytes, string field) =>
        DhtKey.TryRead(bytes, out DhtKey key) ? key : throw Invalid($"{field}: {bytes.Length} bytes, expected {DhtKey.Length}");

    private static RpcException Invalid(string detail) => new(new Status(StatusCode.InvalidArgument, detail));

    private static RpcException Busy() => new(new Status(StatusCode.ResourceExhausted, "calls: over this caller's share, wait a second"));
}
