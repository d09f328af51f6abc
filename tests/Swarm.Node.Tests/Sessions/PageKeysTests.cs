using Google.Protobuf;
using Swarm.Kernels.Codecs;
using Swarm.Models;
using Swarm.Models.Sampling;
using Swarm.Node.Sessions;
using Swarm.Node.SwarmEnds;
using Swarm.Protocol;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Tests;

public sealed class PageKeysTests
{
    private static readonly ByteString Model = ByteString.CopyFromUtf8("a model");
    private static readonly SessionPlan Plan = new(
        new BlockSpan(2, 5), ActivationCodec.F16, [], ActivationCodec.F16, ActivationCodec.F32, 256, 64, new Hop(), null);

    [Fact]
    public void Of_AnythingThatNumbersDependOn_IsAnotherKey()
    {
        PeerId client = Peer(1);
        var ends = new EndsTerms(SamplingOptions.Greedy, false, false, 100);
        UInt128[] keys =
        [
            Key(client, Model, [2], Plan), Key(Peer(2), Model, [2], Plan), Key(client, ByteString.CopyFromUtf8("another"), [2], Plan), Key(client, Model, [1, 2], Plan),
            Key(client, Model, [2, 5], Plan), Key(client, Model, [2], Plan with { Part = new BlockSpan(2, 4) }), Key(client, Model, [2], Plan with { Part = new BlockSpan(1, 5) }),
            Key(client, Model, [2], Plan with { Codec = ActivationCodec.Int8 }), Key(client, Model, [2], Plan with { Ends = ends }), Key(client, Model, [2], Plan with { Next = null }),
            Key(client, Model, [2], Plan, label: 8),
        ];

        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Equal(keys[0], Key(client, Model, [2], Plan));
        // What is rounded behind the blocks, and how tokens are chosen, does not matter to them.
        Assert.Equal(keys[0], Key(client, Model, [2, 6], Plan with { MaxPositions = 100, ExpectedPositions = 1 }));
        Assert.Equal(keys[8], Key(client, Model, [2], Plan with { Ends = ends with { Sampling = new SamplingOptions { Temperature = 1 } } }));
    }

    [Fact]
    public void Of_ClientWithoutAnIdentity_HasNone() => Assert.Null(PageKeys.Of(default, Model, [], Plan));

    [Fact]
    public void LabelLog_StepsWithAndWithoutNames_GivesThoseThatAreKnownAsAWhole()
    {
        var log = new LabelLog();
        log.Write(0, 16, [Label(1)]);
        log.Write(16, 30, []);
        log.Write(46, 7, [Label(3)]);
        Assert.Equal([Label(1)], log.Of(0, 31));
        Assert.Empty(log.Of(0, 32));
        Assert.Equal([Label(3)], log.Of(40, 20));
        Assert.Empty(log.Of(32, 15));
        Assert.Empty(log.Of(48, 16));
        Assert.Equal([Label(1), null, Label(3), null], new[] { 16, 32, 48, 64 }.Select(log.At));

        log.Write(18, 20, [Label(2)]);
        Assert.Equal([Label(1), Label(2)], log.Of(0, 38));
        Assert.Empty(log.Of(32, 16));
        log.Truncate(31);
        Assert.Empty(log.Of(16, 16));
        Assert.Equal([Label(1)], log.Of(0, 31));
    }

    private static UInt128 Key(PeerId client, ByteString model, uint[] points, SessionPlan plan, byte label = 7) => PageKeys.Of(client, model, points, plan)!.Of(Label(label));

    private static ByteString Label(byte value) => ByteString.CopyFrom([.. Enumerable.Repeat(value, ChainLimits.LabelBytes)]);

    private static PeerId Peer(byte value) => new([.. Enumerable.Repeat(value, PeerId.Length)]);
}
