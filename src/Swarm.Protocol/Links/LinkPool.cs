using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Links;

/// <summary>The links that this side dialled: one for an endpoint and purpose, shared by all sessions, opened when first needed.</summary>
public sealed class LinkPool(ITransport transport, TimeProvider time, Func<ConnectionClass, Hello> greeting, TimeSpan patience) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(PeerEndpoint, ConnectionClass), Task<OutboundLink>> _links = [];
    private readonly LinkWatcher _watcher = new(time);
    private bool _disposed;

    /// <summary>A peer could not be reached, or its link broke: told once for each link, outside locks.</summary>
    public event Action<PeerId, FaultKind>? Failed;

    /// <summary>Heartbeats sent so far.</summary>
    public long Beats => _watcher.Beats;

    /// <summary>The open link, or a new one. Checks that the endpoint's peer answers, where it names one.</summary>
    /// <exception cref="SwarmException">PeerUnreachable, VersionMismatch.</exception>
    public async Task<OutboundLink> GetAsync(PeerEndpoint endpoint, ConnectionClass purpose, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        OutboundLink link = await Find(endpoint, purpose).Here().WaitAsync(cancellationToken);
        if (!endpoint.Peer.IsNone && link.Peer != endpoint.Peer)
        {
            throw new SwarmException(
                FaultKind.PeerUnreachable, $"{endpoint.Addresses[0]}: peer {link.Peer.Short} answers, expected {endpoint.Peer.Short}", endpoint.Peer);
        }

        return link;
    }

    public async ValueTask DisposeAsync()
    {
        Task<OutboundLink>[] links;
        lock (_lock)
        {
            _disposed = true;
            links = [.. _links.Values];
            _links.Clear();
        }

        foreach (Task<OutboundLink> opening in links)
        {
            try
            {
                await (await opening).DisposeAsync();
            }
            catch (Exception exception) when (exception is SwarmException or ObjectDisposedException)
            {
                // It never opened.
            }
        }

        _watcher.Dispose();
    }

    private Task<OutboundLink> Find(PeerEndpoint endpoint, ConnectionClass purpose)
    {
        TaskCompletionSource<OutboundLink> opened;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_links.TryGetValue((endpoint, purpose), out Task<OutboundLink>? known) && !IsUseless(known))
                return known;
            opened = new TaskCompletionSource<OutboundLink>(TaskCreationOptions.RunContinuationsAsynchronously);
            _links[(endpoint, purpose)] = opened.Task;
        }

        // Outside the lock: an in-process transport may call back before it returns.
        _ = OpenAsync(endpoint, purpose, opened);
        return opened.Task;
    }

    private async Task OpenAsync(PeerEndpoint endpoint, ConnectionClass purpose, TaskCompletionSource<OutboundLink> opened)
    {
        try
        {
            OutboundLink link = await OutboundLink.OpenAsync(
                transport.Connect(endpoint, purpose), endpoint.Addresses[0], purpose, greeting(purpose), patience, time, _watcher, CancellationToken.None);
            link.Broken = reason => Failed?.Invoke(link.Peer, reason.Fault);
            opened.SetResult(link);
        }
        catch (Exception exception)
        {
            if (!endpoint.Peer.IsNone && exception is SwarmException fault)
                Failed?.Invoke(endpoint.Peer, fault.Fault);
            opened.SetException(exception);
            // Nobody may be waiting any more; a failure is then nobody's.
            _ = opened.Task.Exception;
        }
    }

    private static bool IsUseless(Task<OutboundLink> link) =>
        link.IsFaulted || link.IsCanceled || (link.IsCompletedSuccessfully && !link.Result.IsOpen);
}
