namespace Swarm.Protocol.Transport;

/// <summary>The addresses that the <see cref="InMemoryTransport"/>s of one process share.</summary>
public sealed class InMemoryNetwork
{
    private const int FirstPort = 40000;

    private readonly Lock _gate = new();
    private readonly Dictionary<PeerAddress, InMemoryListener> _listeners = [];
    private int _nextPort = FirstPort;

    /// <summary>Ports are given out in order, so that a run repeats.</summary>
    internal InMemoryListener Add(PeerAddress wanted, ServerDispatcher dispatcher, TransportOptions options)
    {
        lock (_gate)
        {
            PeerAddress address = wanted;
            if (wanted.Port == 0)
            {
                do
                    address = new PeerAddress(wanted.Host, _nextPort++);
                while (_listeners.ContainsKey(address));
            }
            else if (_listeners.ContainsKey(address))
            {
                throw new AddressUnavailableException(address, inUse: true);
            }

            var listener = new InMemoryListener(this, address, dispatcher, options);
            _listeners.Add(address, listener);
            return listener;
        }
    }

    internal InMemoryListener? Find(PeerAddress address)
    {
        lock (_gate)
            return _listeners.GetValueOrDefault(address);
    }

    /// <summary>All that listen now.</summary>
    internal InMemoryListener[] All()
    {
        lock (_gate)
            return [.. _listeners.Values];
    }

    internal void Remove(PeerAddress address)
    {
        lock (_gate)
            _listeners.Remove(address);
    }
}
