using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Links;

/// <summary>The links that this side dialled: one for an address and purpose, shared by all sessions, opened when first needed.</summary>
public sealed class LinkPool(ITransport transport, TimeProvider time, Func<ConnectionClass, Hello> greeting, TimeSpan patience) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(PeerAddress, ConnectionClass), Task<OutboundLink>> _links = [];
    private bool _disposed;

    /// <summary>The open link, or a new one. Checks that the expected peer answers.</summary>
    /// <exception cref="SwarmException">PeerUnreachable, VersionMismatch.</exception>
    public async Task<OutboundLink> GetAsync(
        PeerAddress address, ConnectionClass purpose, PeerId? expected, CancellationToken cancellationToken)
    {
        Task<OutboundLink> opening = Find(address, purpose);
        OutboundLink link = await opening.WaitAsync(cancellationToken);
        if (expected is { } peer && link.Peer != peer)
        {
            throw new SwarmException(
                FaultKind.PeerUnreachable, $"{address}: peer {link.Peer.Short} answers, expected {peer.Short}", peer);
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
            catch (SwarmException)
            {
                // It never opened.
            }
        }
    }

    private Task<OutboundLink> Find(PeerAddress address, ConnectionClass purpose)
    {
        TaskCompletionSource<OutboundLink> opened;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_links.TryGetValue((address, purpose), out Task<OutboundLink>? known) && !IsUseless(known))
                return known;
            opened = new TaskCompletionSource<OutboundLink>(TaskCreationOptions.RunContinuationsAsynchronously);
            _links[(address, purpose)] = opened.Task;
        }

        // Outside the lock: an in-process transport may call back before it returns.
        _ = OpenAsync(address, purpose, opened);
        return opened.Task;
    }

    private async Task OpenAsync(PeerAddress address, ConnectionClass purpose, TaskCompletionSource<OutboundLink> opened)
    {
        try
        {
            opened.SetResult(await OutboundLink.OpenAsync(
                transport.Connect(address, purpose), address, purpose, greeting(purpose), patience, time, CancellationToken.None));
        }
        catch (Exception exception)
        {
            opened.SetException(exception);
            // Nobody may be waiting any more; a failure is then nobody's.
            _ = opened.Task.Exception;
        }
    }

    private static bool IsUseless(Task<OutboundLink> link) =>
        link.IsFaulted || link.IsCanceled || (link.IsCompletedSuccessfully && !link.Result.IsOpen);
}
