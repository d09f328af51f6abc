using System.Collections.Concurrent;
using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests;

/// <summary>A next hop that a test plays: it sees every frame that a node sends on, and answers as the test says.</summary>
internal sealed class FakeHop : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Channel<FakeFrame> _frames = Channel.CreateUnbounded<FakeFrame>();
    private readonly ConcurrentDictionary<Purpose, LinkSender> _links = [];
    private readonly ITransport _transport;
    private readonly PeerKey _key;
    private IPeerListener _listener = null!;

    private FakeHop(ITransport transport, PeerKey key)
    {
        _transport = transport;
        _key = key;
    }

    /// <summary>Acknowledges each step as it comes.</summary>
    public bool Acknowledges { get; set; } = true;

    /// <summary>It as a hop of a route.</summary>
    public Hop Hop(int first, int end) => new()
    {
        Peer = _key.Id.ToByteString(), Addresses = { _listener.Address.ToString() }, FirstBlock = (uint)first, EndBlock = (uint)end,
    };

    public static async Task<FakeHop> StartAsync(SwarmCluster cluster, int port)
    {
        PeerKey key = cluster.NewKey();
        ITransport transport = cluster.NewTransport(PeerCredentials.Create(key, SwarmInvite.Parse(cluster.Invite), TimeProvider.System));
        var hop = new FakeHop(transport, key);
        ServerServiceDefinition service = ServerServiceDefinition.CreateBuilder().AddMethod(LinkService.Link, hop.ServeAsync).Build();
        hop._listener = await transport.ListenAsync(new PeerAddress("127.0.0.1", port), [service], CancellationToken.None);
        return hop;
    }

    /// <summary>The next frame.</summary>
    public async Task<FakeFrame> ReceiveAsync() => await _frames.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    /// <summary>The next frame, of a kind.</summary>
    public async Task<FakeFrame> ReceiveAsync(LinkFrame.BodyOneofCase wanted)
    {
        FakeFrame frame = await ReceiveAsync();
        Assert.True(frame.Frame.BodyCase == wanted, $"{frame.Frame.BodyCase}, expected {wanted}");
        return frame;
    }

    /// <summary>Nothing has come that was not received.</summary>
    public void AssertNothingMore() => Assert.False(_frames.Reader.TryPeek(out FakeFrame? more), $"{more?.Frame}");

    /// <summary>Sends a frame back.</summary>
    public void Send(LinkFrame frame, SessionId session, uint epoch, Purpose purpose = Purpose.Bulk) =>
        _links[purpose].Send(new LinkMessage(frame.Address(session, epoch)));

    /// <summary>Says that a session is open, and from where it is to be fed.</summary>
    public void SayOpened(SessionId session, uint epoch, int start = 0, bool kept = false) => Send(
        new LinkFrame { Opened = new Opened { Hops = { new HopOpened { GrantedPositions = 100, Start = (uint)start, Kept = kept } } } }, session, epoch);

    public void Acknowledge(FakeFrame step) => Send(
        new LinkFrame { Ack = new StepAck { Number = step.Frame.Step.Number } }, step.Session, step.Frame.Epoch, step.Purpose);

    /// <summary>Goes as a crash does.</summary>
    public ValueTask DisposeAsync() => _transport.DisposeAsync();

    private async Task ServeAsync(IAsyncStreamReader<LinkMessage> requests, IServerStreamWriter<LinkMessage> responses, ServerCallContext context)
    {
        var sender = new LinkSender(responses);
        await requests.MoveNext(context.CancellationToken);
        Purpose purpose = requests.Current.Frame.Hello.Purpose;
        sender.Send(new LinkMessage(new LinkFrame { Hello = LinkGreeting.Make(purpose == Purpose.Bulk, _key.Id, ByteString.Empty) }));
        _links[purpose] = sender;
        FakeFrame? arriving = null;
        try
        {
            while (await requests.MoveNext(context.CancellationToken))
            {
                LinkMessage message = requests.Current;
                if (message.Session.IsNone)
                {
                    // It lives as long as the other side does.
                    sender.Send(new LinkMessage(new LinkFrame { Progress = new Progress() }));
                    continue;
                }

                if (message.Frame.BodyCase != LinkFrame.BodyOneofCase.None)
                    arriving = new FakeFrame(message.Frame, message.Session, purpose);
                if (message.Part is { } part)
                    arriving!.Bytes.AddRange(part.Bytes);
                bool isComplete = arriving!.Frame.Step is not { } step || arriving.Bytes.Count == (int)step.EncodedBytes;
                message.Release();
                if (!isComplete)
                    continue;
                if (Acknowledges && arriving.Frame.BodyCase == LinkFrame.BodyOneofCase.Step)
                    Acknowledge(arriving);
                _frames.Writer.TryWrite(arriving);
            }
        }
        catch (Exception exception) when (exception is RpcException or IOException or OperationCanceledException)
        {
            // The caller is gone.
        }
    }
}
