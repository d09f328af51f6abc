using Swarm.Protocol.Directory;
using Swarm.Protocol.Tests.Directory;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Weights;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Weights;

/// <summary>Peers that hand out blobs, and one that fetches, over memory.</summary>
internal sealed class FetchWorld : IBlobHolders, IAsyncDisposable
{
    private readonly InMemoryNetwork _network = new();
    private readonly List<(NodeEntry Node, ITransport Transport)> _peers = [];
    private readonly List<(PeerId Peer, FaultKind Fault)> _reports = [];
    private readonly TemporaryFolder _folder = new();
    private readonly ITransport _transport;

    public FetchWorld()
    {
        Store = new BlobStore(_folder.Path);
        _transport = new InMemoryTransport(_network, new TransportOptions());
        Client = new WeightsClient(_transport, TimeProvider.System);
        Fetcher = new BlobFetcher(this, Client, Store, TimeProvider.System, new SeededRandomSource(1));
    }

    public BlobStore Store { get; }

    public WeightsClient Client { get; }

    public BlobFetcher Fetcher { get; }

    public IReadOnlyList<NodeEntry> Nodes
    {
        get
        {
            lock (_reports)
                return [.. _peers.Select(peer => peer.Node).Where(node => !Hides || !_reports.Exists(report => report.Peer == node.Peer))];
        }
    }

    /// <summary>Those of whom something was reported are not asked again.</summary>
    public bool Hides { get; set; } = true;

    public IReadOnlyList<(PeerId Peer, FaultKind Fault)> Reports
    {
        get
        {
            lock (_reports)
                return [.. _reports];
        }
    }

    public async Task<TestBlobs> AddAsync(int number, int first = 0, int end = 0)
    {
        var blobs = new TestBlobs();
        var service = new WeightsService(TimeProvider.System, () => 0);
        service.Serve(blobs);
        NodeEntry node = Announced.Node(number, first: first, end: end);
        var transport = new InMemoryTransport(_network, new TransportOptions());
        await transport.ListenAsync(node.Addresses[0], [service.Definition()], CancellationToken.None);
        _peers.Add((node, transport));
        return blobs;
    }

    public void ReportFailure(PeerId peer, FaultKind fault)
    {
        lock (_reports)
            _reports.Add((peer, fault));
    }

    public Task RefreshAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _transport.DisposeAsync();
        foreach ((_, ITransport transport) in _peers)
            await transport.DisposeAsync();
        _folder.Dispose();
    }
}
