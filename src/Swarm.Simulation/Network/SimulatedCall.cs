using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.Core;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;

namespace Swarm.Simulation;

/// <summary>
/// One call between two processes: the client's half and the server's, each as if the other were in the same process, and what carries messages from one to the other. Each half is
/// touched in its own process alone.
/// </summary>
internal sealed class SimulatedCall
{
    private const int HeadBytes = 120;

    private readonly SimulatedNetwork _network;
    private readonly SimulatedConnection _connection;
    private readonly PeerEndpoint _endpoint;
    private readonly RequestHead _head;
    private readonly InMemoryCall _near;
    private readonly InMemoryCall _far = new();
    private readonly bool _isLink;
    private readonly LinkedListNode<SimulatedCall> _entry;
    private SimulatedStream? _there;
    private SimulatedStream? _back;
    private SimulatedInbox? _farInbox;
    private SimulatedInbox? _nearInbox;
    private int _address = -1;
    private bool _accepted;
    private bool _nearOver;
    private bool _farOver;

    private SimulatedCall(SimulatedTransport transport, SimulatedConnection connection, PeerEndpoint endpoint, InMemoryCall near, RequestHead head)
    {
        Transport = transport;
        _network = transport.Network;
        _connection = connection;
        _endpoint = endpoint;
        _near = near;
        _head = head;
        _isLink = head.Path == LinkService.Link.FullName;
        _entry = _network.Enter(this);
    }

    public SimulatedTransport Transport { get; }

    public VirtualProcess Client => Transport.Process;

    /// <summary>Whom it reaches, or tries to.</summary>
    public VirtualProcess? Server { get; private set; }

    /// <summary>Begins a call; what comes of it shows in the client's half.</summary>
    public static void Start(SimulatedTransport transport, SimulatedConnection connection, PeerEndpoint endpoint, InMemoryCall near, RequestHead head)
    {
        var call = new SimulatedCall(transport, connection, endpoint, near, head);
        near.ClientGone.Token.UnsafeRegister(static state => ((SimulatedCall)state!).OnCancelled(), call);
        if (!connection.IsOpen)
            call.Client.Plan(transport.Options.ConnectTimeout, call.OnConnectTimeout);
        call.Dial(new RpcException(TransportStatuses.NobodyListens(endpoint.Addresses)));
    }

    /// <summary>The connection is gone; both sides learn it now.</summary>
    public void Cut()
    {
        Client.Plan(TimeSpan.Zero, OnResetAtClient);
        Server?.Plan(TimeSpan.Zero, OnResetAtServer);
    }

    /// <summary>One side has closed the connection; the other learns it when that has arrived.</summary>
    public void ResetBy(VirtualProcess side)
    {
        if (side == Client)
        {
            _nearOver = true;
            _nearInbox?.Close();
            _near.Requests.Reader.CancelPendingRead();
            _there?.Send("reset", 0, OnResetAtServer);
        }
        else
        {
            _farOver = true;
            _back!.Send("reset", 0, OnResetAtClient);
        }

        Leave();
    }

    // Tries the next address.
    private void Dial(RpcException failure)
    {
        if (++_address >= _endpoint.Addresses.Length)
        {
            Fail(failure);
            return;
        }

        PeerAddress address = _endpoint.Addresses[_address];
        if (_network.Owner(address) is not { } server)
        {
            Dial(failure);
            return;
        }

        Server = server;
        _there = new SimulatedStream(_network, Client, server, () => OnRefused(failure));
        _back = new SimulatedStream(_network, server, Client, OnResetAtServer);
        _farInbox = new SimulatedInbox(_network.World, _far.Requests.Writer, _there, OnFarReadsNoMore);
        _nearInbox = new SimulatedInbox(_network.World, _near.Responses.Writer, _back, null);
        _there!.Send("open", HeadBytes, () => Arrive(address, failure), _connection.IsOpen ? 1 : 3);
        if (_address == 0)
            _network.World.Watch(PumpRequestsAsync());
    }

    // In the server's process: what a listener and the two sides' credentials make of it.
    private void Arrive(PeerAddress address, RpcException failure)
    {
        if (_farOver)
            return;
        if (_network.Addresses.Find(address) is not { } listener)
        {
            _back!.Send("refused", 0, () => OnRefused(failure));
        }
        else if (listener.Meet(Transport.Options.Credentials, _endpoint.Peer, out PeerAuthContext caller) is { } refusal)
        {
            _back!.Send("refused", 0, () => OnRefused(new RpcException(refusal)));
        }
        else
        {
            _accepted = true;
            _back!.Send("accepted", 0, () => _connection.IsOpen = true);
            _farInbox!.Open();
            listener.Accept(new InMemoryServerWire(_far, _head, listener.Address, caller), Transport.Options.Credentials);
            _network.World.Watch(PumpAnswersAsync());
        }
    }

    private async Task PumpRequestsAsync()
    {
        PipeReader requests = _near.Requests.Reader;
        bool first = true;
        while (!_nearOver)
        {
            ReadResult read = await requests.ReadAsync();
            if (read.IsCanceled)
                break;
            ReadOnlySequence<byte> bytes = read.Buffer;
            while (TryTakeFrame(ref bytes, out byte[]? frame))
            {
                SendFrame(_there!, _farInbox!, "request", frame, plain: first || !_isLink);
                first = false;
            }

            requests.AdvanceTo(bytes.Start, bytes.End);
            if (read.IsCompleted)
            {
                _there!.Send("end", 0, () => _farInbox!.Put(_ => _far.Requests.Writer.Complete()));
                break;
            }

            await _there!.RoomAsync();
        }

        requests.Complete();
    }

    private async Task PumpAnswersAsync()
    {
        PipeReader answers = _far.Responses.Reader;
        try
        {
            ResponseHead head = await _far.Head.Task;
            _back!.Send("head", HeadBytes, () =>
            {
                _near.Head.TrySetResult(head);
                _nearInbox!.Open();
            });
            bool first = true;
            while (!_farOver)
            {
                ReadResult read = await answers.ReadAsync();
                if (read.IsCanceled)
                    break;
                ReadOnlySequence<byte> bytes = read.Buffer;
                while (TryTakeFrame(ref bytes, out byte[]? frame))
                {
                    SendFrame(_back!, _nearInbox!, "answer", frame, plain: first || !_isLink);
                    first = false;
                }

                answers.AdvanceTo(bytes.Start, bytes.End);
                if (read.IsCompleted)
                {
                    ResponseTail? tail = _far.Tail;
                    _back!.Send("tail", HeadBytes, () => _nearInbox!.Put(_ => OnTail(tail)));
                    break;
                }

                await _back!.RoomAsync();
            }
        }
        catch (Exception exception) when (exception is RpcException or OperationCanceledException)
        {
            // The server cut the stream.
            _farOver = true;
            _back!.Send("reset", 0, OnResetAtClient);
        }

        answers.Complete();
    }

    private void SendFrame(SimulatedStream stream, SimulatedInbox inbox, string kind, byte[] frame, bool plain)
    {
        if (!plain && LinkFrames.TryFindChunk(frame, out int chunk) && _network.Corrupts(stream.From))
            frame[^(1 + (int)(_network.Random.NextUInt64() % (ulong)Math.Min(64, chunk / 2)))] ^= 0x10;
        string detail = !_network.IsWatched ? "" : _isLink ? LinkFrames.Describe(frame) : _head.Path;
        int times = !plain && _network.Repeats() ? 2 : 1;
        for (int time = 0; time < times; time++)
        {
            stream.Take(frame.Length);
            stream.Send(kind, frame.Length, () => inbox.Put(frame), detail: detail);
        }
    }

    private static bool TryTakeFrame(ref ReadOnlySequence<byte> bytes, out byte[] frame)
    {
        frame = [];
        if (bytes.Length < FrameHeader.Bytes)
            return false;
        Span<byte> header = stackalloc byte[FrameHeader.Bytes];
        bytes.Slice(0, FrameHeader.Bytes).CopyTo(header);
        long length = FrameHeader.Bytes + BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (bytes.Length < length)
            return false;
        frame = bytes.Slice(0, length).ToArray();
        bytes = bytes.Slice(length);
        return true;
    }

    private void OnTail(ResponseTail? tail)
    {
        if (_nearOver)
            return;
        _nearOver = true;
        _near.Tail = tail;
        _near.Responses.Writer.Complete();
        _near.Requests.Reader.CancelPendingRead();
        Leave();
    }

    // The client gives the call up.
    private void OnCancelled()
    {
        if (_nearOver)
            return;
        ResetBy(Client);
    }

    private void OnConnectTimeout()
    {
        if (!_connection.IsOpen)
            Fail(new RpcException(new Status(StatusCode.Unavailable, $"the peer cannot be reached: no connection to {_endpoint} within {Transport.Options.ConnectTimeout.TotalSeconds:0.#} s")));
    }

    private void OnRefused(RpcException failure)
    {
        if (_nearOver)
            return;
        if (_accepted)
            OnResetAtClient();
        else
            Dial(failure);
    }

    private void OnResetAtClient()
    {
        _connection.IsOpen = false;
        Fail(new RpcException(new Status(StatusCode.Unavailable, "the connection was reset")));
    }

    private void Fail(RpcException failure)
    {
        if (_nearOver)
            return;
        _nearOver = true;
        _nearInbox?.Close();
        _near.Head.TrySetException(failure);
        _near.Responses.Writer.Complete(failure);
        _near.Requests.Reader.CancelPendingRead();
        Leave();
    }

    private void OnResetAtServer()
    {
        if (_farOver)
            return;
        _farOver = true;
        if (!_accepted)
            return;
        _farInbox!.Close();
        _far.Requests.Writer.Complete(new IOException("the connection was reset"));
        _far.ClientGone.Cancel();
        _far.Responses.Reader.CancelPendingRead();
    }

    // The handler has ended, or reads no more: the client's writes say so.
    private void OnFarReadsNoMore() => _back!.Send("stop", 0, () => _near.Requests.Reader.CancelPendingRead());

    private void Leave() => _entry.List?.Remove(_entry);
}
