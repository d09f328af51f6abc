using Google.Protobuf;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests;

/// <summary>Chains of real hops whose parts are replaced: what comes out has the bits of the undisturbed chain, and hops that stay compute nothing again.</summary>
public sealed class ChainMendingTests : IAsyncLifetime
{
    private const int Hidden = 64;
    private const int Prompt = 150;

    private SwarmCluster _cluster = null!;
    private ITransport _transport = null!;

    public async Task InitializeAsync()
    {
        _cluster = await SwarmCluster.StartAsync(
            TestData.Path("families/llama"), inMemory: true, new ManualTime(), new BlockSpan(0, 4), new BlockSpan(0, 4), new BlockSpan(0, 4), new BlockSpan(0, 4), new BlockSpan(0, 4));
        _transport = _cluster.NewTransport();
    }

    public async Task DisposeAsync()
    {
        await _transport.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    /// <summary>The chain as node:first-end, the one that takes its place, and the rounding points. A node that is in both with the same blocks stays.</summary>
    [Theory]
    [InlineData("0:0-2 1:2-4", "0:0-2 2:2-4", "")]
    [InlineData("0:0-2 1:2-4", "2:0-2 1:2-4", "")]
    [InlineData("0:0-1 1:1-3 2:3-4", "0:0-1 3:1-3 2:3-4", "1 3")]
    [InlineData("0:0-2 1:2-4", "0:0-2 2:2-3 3:3-4", "2")]
    [InlineData("0:0-1 1:1-2 2:2-4", "3:0-2 2:2-4", "1 2")]
    [InlineData("0:0-2 1:2-3 2:3-4", "0:0-2 3:2-4", "2 3")]
    [InlineData("0:0-1 1:1-3 2:3-4", "0:0-1 3:1-2 4:2-3 2:3-4", "1 2")]
    [InlineData("0:0-1 1:1-2 2:2-3 3:3-4", "0:0-1 4:1-3 3:3-4", "1 3")]
    [InlineData("0:0-2 1:2-4", "3:0-1 4:1-4", "0 2 4")]
    [InlineData("0:0-4", "1:0-1 2:1-2 3:2-3 4:3-4", "2")]
    [InlineData("1:0-1 2:1-2 3:2-3 4:3-4", "0:0-4", "1 2 3")]
    public async Task Step_HopsReplaced_HasTheBitsOfTheUndisturbedChain(string before, string after, string points)
    {
        uint[] rounded = [.. points.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(uint.Parse)];
        await using RawChain expected = await RawChain.StartAsync(this, new SessionId(1, 1), rounded);
        await using RawChain chain = await RawChain.StartAsync(this, new SessionId(1, 2), rounded);
        await expected.OpenAsync("0:0-4", 0, 0);
        await chain.OpenAsync(before, 0, 0);
        foreach ((int position, int count) in Steps(0))
            Assert.Equal((await expected.StepAsync(position, count)).Chunk.Payload, (await chain.StepAsync(position, count)).Chunk.Payload);

        Opened opened = await chain.OpenAsync(after, Prompt + 5, Prompt + 5);
        await chain.FeedAsync((int)opened.Hops[0].Start, Prompt + 5);
        LinkFrame last = null!;
        foreach ((int position, int count) in Steps(Prompt + 5))
        {
            last = await chain.StepAsync(position, count);
            Assert.Equal((await expected.StepAsync(position, count)).Chunk.Payload, last.Chunk.Payload);
        }

        string[] hops = after.Split(' ');
        Assert.Equal(hops.Select(hop => before.Split(' ').Contains(hop)), opened.Hops.Select(hop => hop.Kept));
        Assert.All(opened.Hops, hop => Assert.Equal((hop.Kept ? Prompt + 5u : 0u, 0u), (hop.Start, hop.Recomputed)));
        // Who stays computes each position once; who is new replays what was before, once.
        Assert.Equal(
            opened.Hops.Select(hop => (Prompt + 10ul, hop.Kept ? 0ul : Prompt + 5ul, 0ul)),
            last.Result.Telemetry.Select(hop => (hop.Tokens, hop.ReplayedTokens, hop.RecomputedTokens)));
    }

    // Write position: a replacement that was fed in part goes on from there under the next epoch, and its outputs below what the last hop has stay with it.
    [Fact]
    public async Task Step_ReplacementInterruptedWhileItIsFed_GoesOnWhereItsCacheEnds()
    {
        await using RawChain expected = await RawChain.StartAsync(this, new SessionId(1, 1), []);
        await using RawChain chain = await RawChain.StartAsync(this, new SessionId(1, 2), []);
        await expected.OpenAsync("0:0-4", 0, 0);
        await chain.OpenAsync("0:0-2 1:2-4", 0, 0);
        foreach ((int position, int count) in Steps(0))
            Assert.Equal((await expected.StepAsync(position, count)).Chunk.Payload, (await chain.StepAsync(position, count)).Chunk.Payload);

        await chain.OpenAsync("2:0-2 1:2-4", Prompt + 5, Prompt + 5);
        await chain.FeedAsync(0, 70);
        await chain.ComputedAsync(_cluster.Nodes[2], 70);
        Opened opened = await chain.OpenAsync("2:0-2 1:2-4", Prompt + 5, Prompt + 5);
        await chain.FeedAsync(70, Prompt + 5);
        LinkFrame result = await chain.StepAsync(Prompt + 5, 1);

        Assert.Equal([(70u, true, 0u), (Prompt + 5u, true, 0u)], opened.Hops.Select(hop => (hop.Start, hop.Kept, hop.Recomputed)));
        Assert.Equal((await expected.StepAsync(Prompt + 5, 1)).Chunk.Payload, result.Chunk.Payload);
        Assert.Equal([(Prompt + 6ul, Prompt + 5ul), (Prompt + 6ul, 0ul)], result.Result.Telemetry.Select(hop => (hop.Tokens, hop.ReplayedTokens)));
    }

    // Steps under way when the epoch changes: the hop before the lost one has computed some, the client feeds the rest.
    [Fact]
    public async Task Open_StepsUnderWay_AreFedByWhoeverHasThemAndAnsweredOnce()
    {
        await using RawChain expected = await RawChain.StartAsync(this, new SessionId(1, 1), []);
        await using RawChain chain = await RawChain.StartAsync(this, new SessionId(1, 2), []);
        await expected.OpenAsync("0:0-4", 0, 0);
        await chain.OpenAsync("0:0-2 1:2-4", 0, 0);
        await expected.StepAsync(0, Prompt);
        await chain.StepAsync(0, Prompt);
        LinkFrame[] wanted = [await expected.StepAsync(Prompt, 1), await expected.StepAsync(Prompt + 1, 2), await expected.StepAsync(Prompt + 3, 1)];

        // The last hop is stopped before it can see the three steps.
        await _cluster.KillAsync(1);
        Assert.Equal(FaultKind.PeerLost, (await chain.First.ReceiveFaultAsync()).Kind);
        Opened opened = await chain.OpenAsync("0:0-2 2:2-4", Prompt, Prompt + 4);
        Assert.Equal([(Prompt + 0u, true), (0u, false)], opened.Hops.Select(hop => (hop.Start, hop.Kept)));

        Assert.Equal(wanted[0].Chunk.Payload, (await chain.StepAsync(Prompt, 1)).Chunk.Payload);
        Assert.Equal(wanted[1].Chunk.Payload, (await chain.StepAsync(Prompt + 1, 2)).Chunk.Payload);
        Assert.Equal(wanted[2].Chunk.Payload, (await chain.StepAsync(Prompt + 3, 1)).Chunk.Payload);
    }

    [Fact]
    public async Task Open_RetainedRowsGone_OneHopFurtherBackComputesAgain()
    {
        await using RawChain expected = await RawChain.StartAsync(this, new SessionId(1, 1), []);
        await using RawChain chain = await RawChain.StartAsync(this, new SessionId(1, 2), []);
        await expected.OpenAsync("0:0-4", 0, 0);
        await chain.OpenAsync("0:0-1 1:1-3 2:3-4", 0, 0);
        foreach ((int position, int count) in Steps(0))
            Assert.Equal((await expected.StepAsync(position, count)).Chunk.Payload, (await chain.StepAsync(position, count)).Chunk.Payload);
        var middle = _cluster.Nodes[1].Table.Look(chain.Session)!;
        lock (middle.Outputs!.Gate)
            middle.Outputs.Lose(Prompt);

        Opened opened = await chain.OpenAsync("0:0-1 1:1-3 3:3-4", Prompt + 5, Prompt + 5);
        await chain.FeedAsync((int)opened.Hops[0].Start, Prompt + 5);
        LinkFrame result = await chain.StepAsync(Prompt + 5, 1);

        Assert.Equal(
            [(Prompt + 5u, true, 0u), (0u, true, Prompt + 5u), (0u, false, 0u)], opened.Hops.Select(hop => (hop.Start, hop.Kept, hop.Recomputed)));
        Assert.Equal((await expected.StepAsync(Prompt + 5, 1)).Chunk.Payload, result.Chunk.Payload);
        Assert.Equal(
            [(Prompt + 6ul, 0ul, 0ul), ((2 * Prompt) + 11ul, Prompt + 5ul, Prompt + 5ul), (Prompt + 6ul, Prompt + 5ul, 0ul)],
            result.Result.Telemetry.Select(hop => (hop.Tokens, hop.ReplayedTokens, hop.RecomputedTokens)));
    }

    private static IEnumerable<(int Position, int Count)> Steps(int from)
    {
        if (from == 0)
        {
            yield return (0, 100);
            yield return (100, Prompt - 100);
            from = Prompt;
        }

        for (int position = from; position < from + 5; position++)
            yield return (position, 1);
    }

    /// <summary>A client that speaks the wire by hand, one step at a time.</summary>
    private sealed class RawChain : IAsyncDisposable
    {
        private readonly ChainMendingTests _test;
        private readonly uint[] _points;
        private readonly List<RawLink> _links = [];
        private RawLink _last = null!;
        private uint _epoch;
        private ulong _number;

        private RawChain(ChainMendingTests test, SessionId session, uint[] points)
        {
            _test = test;
            _points = points;
            Session = session;
        }

        public SessionId Session { get; }

        public RawLink First { get; private set; } = null!;

        public static Task<RawChain> StartAsync(ChainMendingTests test, SessionId session, uint[] points) => Task.FromResult(new RawChain(test, session, points));

        public async Task<Opened> OpenAsync(string hops, int confirmed, int valid)
        {
            _epoch++;
            _number = 0;
            var open = new OpenSession
            {
                ModelIdentity = ByteString.CopyFrom(Convert.FromHexString(_test._cluster.Nodes[0].ModelIdentity.Hex)),
                MaxPositions = 256,
                KvNeed = 200,
                Codec = _points.Length > 0 ? 2u : 0u,
                RoundingPoints = { _points },
                Confirmed = (uint)confirmed,
                Valid = (uint)valid,
            };
            NodeHost[] nodes = [.. hops.Split(' ').Select(hop => _test._cluster.Nodes[hop[0] - '0'])];
            foreach ((NodeHost node, string hop) in nodes.Zip(hops.Split(' ')))
            {
                open.Hops.Add(new Hop
                {
                    Peer = node.Peer.ToByteString(), Addresses = { node.Address.ToString() }, FirstBlock = (uint)(hop[2] - '0'), EndBlock = (uint)(hop[4] - '0'),
                });
            }

            First = await GreetAsync(nodes[0]);
            _last = await GreetAsync(nodes[^1]);
            await _last.SendAsync(new LinkFrame { Attach = new Attach() }, epoch: _epoch);
            await First.SendAsync(new LinkFrame { Open = open }, epoch: _epoch);
            return (await First.ReceiveAsync(LinkFrame.BodyOneofCase.Opened)).Opened;
        }

        public async Task FeedAsync(int start, int end)
        {
            for (int position = start; position < end; position += 128)
                await SendAsync(position, Math.Min(128, end - position), replay: true);
        }

        public async Task<LinkFrame> StepAsync(int position, int count)
        {
            await SendAsync(position, count, replay: false);
            LinkFrame result = await _last.ReceiveAsync(LinkFrame.BodyOneofCase.Result);
            Assert.Equal(((uint)position, (uint)count), (result.Result.Position, result.Result.Count));
            return result;
        }

        // Another session's steps behind it, each of which waits for a pass.
        public async Task ComputedAsync(NodeHost node, int position)
        {
            await using RawLink other = await GreetAsync(node);
            other.Session = new SessionId(77, _epoch);
            OpenSession open = RawLink.Request(node);
            await other.SendAsync(new LinkFrame { Open = open });
            await other.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
            await other.SendAsync(new LinkFrame { Attach = new Attach() });
            for (ulong step = 0; step < 3; step++)
            {
                await other.SendAsync(RawLink.StepAt(step, 0, 9, Hidden));
                await other.ReceiveAsync(LinkFrame.BodyOneofCase.Result);
            }

            Assert.Equal(position, node.Table.Look(Session)!.Computed);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (RawLink link in _links)
                await link.DisposeAsync();
        }

        private async Task<RawLink> GreetAsync(NodeHost node)
        {
            RawLink link = await RawLink.GreetAsync(_test._transport, node.Address);
            link.Session = Session;
            _links.Add(link);
            return link;
        }

        private Task SendAsync(int position, int count, bool replay)
        {
            LinkFrame step = RawLink.StepAt(_number++, position, count, Hidden, confirmed: replay ? position + count : position, replay: replay);
            if (_points.Contains(0u))
                step = Rounded(step);
            return First.SendAsync(step, epoch: _epoch);
        }

        private static LinkFrame Rounded(LinkFrame step)
        {
            float[] values = new float[step.Chunk.Payload.Length / 4];
            Kernels.Codecs.ActivationCodec.F32.TryDecode(step.Chunk.Payload.Span, (int)step.Step.Count, Hidden, values, out _);
            byte[] encoded = new byte[Kernels.Codecs.ActivationCodec.Int8.MaxEncodedBytes((int)step.Step.Count, Hidden)];
            Kernels.Codecs.ActivationCodec.Int8.Encode(values, (int)step.Step.Count, Hidden, encoded);
            (step.Step.Codec, step.Step.EncodedBytes) = (2, (ulong)encoded.Length);
            (step.Chunk.Codec, step.Chunk.EncodedBytes, step.Chunk.Payload) = (2, (uint)encoded.Length, ByteString.CopyFrom(encoded));
            step.Chunk.Checksum = Protocol.Packets.Checksum.Crc32C(encoded);
            return step;
        }
    }
}
