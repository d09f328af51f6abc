using Google.Protobuf;
using Swarm.Kernels.Codecs;
using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Node.Sessions;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests;

/// <summary>What a session leaves of its last page.</summary>
public sealed class PageSharingEndTests
{
    private static readonly ByteString[] Labels = [.. Enumerable.Range(1, 2).Select(value => ByteString.CopyFrom([.. Enumerable.Repeat((byte)value, ChainLimits.LabelBytes)]))];

    [Theory]
    [InlineData(null, 32)]
    [InlineData(40, 32)]
    [InlineData(31, 16)]
    [InlineData(20, 16)]
    [InlineData(10, 0)]
    public void PublishEnd_StepUnderWayThatWentBack_LeavesNothingThatItMayHaveOverwritten(int? position, int found)
    {
        using ModelSource source = ModelSource.Open(TestData.Path("families/llama"));
        using var kernels = new CpuKernels(1);
        using BlockStack stack = BlockStack.Load(source, new BlockSpan(0, 1), kernels);
        using var pool = new KvPool(4 * stack.KvLayout.PageBytes, stack.KvLayout);
        var plan = new SessionPlan(new BlockSpan(0, 1), ActivationCodec.F32, [], ActivationCodec.F32, ActivationCodec.F32, 64, 64, null, null);
        var session = new NodeSession(new SessionId(1, 1), 0, plan, null!, pool.CreateCache(), null!, null!) { Keys = PageKeys.Of(new PeerId([.. Enumerable.Repeat((byte)1, PeerId.Length)]), ByteString.Empty, [], plan) };
        stack.Forward(new float[40 * source.Config.Hidden], [new StackStep(session.Cache, 0, 40)]);
        PageSharing.Publish(new StepWork(session, new Step { Count = 40, PrefixLabels = { Labels } }, null, false, 0));
        if (position is { } back)
            PageSharing.OnStarts(new StepWork(session, new Step { Position = (uint)back, Count = 1 }, null, false, 0));

        PageSharing.PublishEnd(session);
        session.Cache.Dispose();

        using KvCache next = pool.CreateCache();
        using PagePart? part = next.AdoptPart([session.Keys!.Of(Labels[1]), session.Keys.Of(Labels[0])]);
        Assert.Equal(found, part?.Positions ?? 0);
    }
}
