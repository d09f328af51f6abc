using Swarm.Client;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests.SwarmEnds;

/// <summary>Sessions with swarm ends, frame by frame: ids in, the chosen id out; frames that lie get a fault that names field, value and limit.</summary>
public sealed class ThinFrameTests
{
    private const int Hidden = 64;

    [Fact]
    public async Task Link_IdsInPlaceOfHiddenStates_AnswersWithTheIdThatALocalModelChooses()
    {
        await using SwarmCluster cluster = await StartAsync(new BlockSpan(0, 4));
        await using ITransport transport = cluster.NewTransport();
        await using RawLink link = await RawLink.GreetAsync(transport, cluster.Nodes[0].Address);
        await using LocalModel local = cluster.OpenLocal();
        int[] prompt = [5, 17, 3, 88, 41];
        GenerationResult expected = await local.GenerateAsync(prompt, new GenerationOptions { MaxTokens = 2, StopAtEndOfSequence = false }).CompleteAsync();

        await OpenAsync(link, cluster.Nodes[0]);
        await link.SendAsync(Step(0, 0, Outputs.Last, prompt));
        StepResult first = (await link.ReceiveAsync(LinkFrame.BodyOneofCase.Result)).Result;
        await link.SendAsync(Step(1, prompt.Length, Outputs.Last, expected.Tokens[0]));
        StepResult second = (await link.ReceiveAsync(LinkFrame.BodyOneofCase.Result)).Result;
        await link.SendAsync(Step(2, prompt.Length + 1, Outputs.None, 7));
        StepResult third = (await link.ReceiveAsync(LinkFrame.BodyOneofCase.Result)).Result;

        Assert.Equal(expected.Tokens, [(int)first.TokenIds.Single(), (int)second.TokenIds.Single()]);
        Assert.Equal((0u, 0ul, 5u), (first.Rows, first.EncodedBytes, first.Count));
        Assert.Empty(third.TokenIds);
        HopTelemetry figures = third.Telemetry.Single();
        Assert.InRange(figures.EndsMicros, 1ul, figures.ComputeMicros);
    }

    [Theory]
    [InlineData("too few ids", FaultKind.InvalidArgument, "token_ids: 1, expected 2 (count)")]
    [InlineData("no ids", FaultKind.InvalidArgument, "token_ids: 0, expected 2 (count)")]
    [InlineData("outside the vocabulary", FaultKind.InvalidArgument, "token_ids[1]: 4000000000, expected 0 to")]
    [InlineData("hidden states", FaultKind.InvalidArgument, "encoded_bytes: 512, expected 0")]
    [InlineData("all rows", FaultKind.InvalidArgument, "outputs: 2")]
    [InlineData("stray chunk", FaultKind.ProtocolViolation, "no step announced it")]
    [InlineData("gap", FaultKind.WrongPosition, "position: 9")]
    public async Task Link_StepThatLies_FaultsItsSessionAndLivesOn(string name, FaultKind kind, string says)
    {
        await using SwarmCluster cluster = await StartAsync(new BlockSpan(0, 4));
        await using ITransport transport = cluster.NewTransport();
        await using RawLink link = await RawLink.GreetAsync(transport, cluster.Nodes[0].Address);
        await OpenAsync(link, cluster.Nodes[0]);
        LinkFrame frame = Step(0, 0, Outputs.Last, 1, 2);
        switch (name)
        {
            case "too few ids":
                frame.Step.TokenIds.RemoveAt(0);
                break;
            case "no ids":
                frame.Step.TokenIds.Clear();
                break;
            case "outside the vocabulary":
                frame.Step.TokenIds[1] = 4_000_000_000;
                break;
            case "hidden states":
                LinkFrame other = RawLink.Step(0, 0, 2, Hidden);
                (frame.Step.EncodedBytes, frame.Chunk) = (other.Step.EncodedBytes, other.Chunk);
                break;
            case "all rows":
                frame.Step.Outputs = Outputs.All;
                break;
            case "stray chunk":
                frame = new LinkFrame { Chunk = RawLink.Step(0, 0, 2, Hidden).Chunk };
                break;
            case "gap":
                frame.Step.Position = 9;
                break;
        }

        await link.SendAsync(frame);
        Fault fault = await link.ReceiveFaultAsync();

        Assert.True(fault.Kind == kind, $"{fault.Kind}: {fault.Message}");
        Assert.Contains(says, fault.Message);
        await AssertServesAsync(link, cluster.Nodes[0]);
    }

    [Fact]
    public async Task Link_IdsInASessionWithLocalEnds_AreRefused()
    {
        await using SwarmCluster cluster = await StartAsync(new BlockSpan(0, 4));
        await using ITransport transport = cluster.NewTransport();
        await using RawLink link = await RawLink.GreetAsync(transport, cluster.Nodes[0].Address);
        await link.OpenSessionAsync(cluster.Nodes[0]);
        LinkFrame frame = RawLink.Step(0, 0, 2, Hidden);
        frame.Step.TokenIds.Add([1, 2]);

        await link.SendAsync(frame);
        Fault fault = await link.ReceiveFaultAsync();

        Assert.Equal((FaultKind.InvalidArgument, "token_ids: 2, expected none with local ends"), (fault.Kind, fault.Message));
        await AssertServesAsync(link, cluster.Nodes[0]);
    }

    [Fact]
    public async Task Link_HopAfterTheFirst_NeedsHiddenStatesAndIds()
    {
        await using SwarmCluster cluster = await StartAsync(new BlockSpan(2, 4));
        await using ITransport transport = cluster.NewTransport();
        await using RawLink link = await RawLink.GreetAsync(transport, cluster.Nodes[0].Address);
        await OpenAsync(link, cluster.Nodes[0]);
        LinkFrame both = RawLink.Step(0, 0, 2, Hidden);
        both.Step.TokenIds.Add([1, 2]);

        await link.SendAsync(both);
        Assert.Single((await link.ReceiveAsync(LinkFrame.BodyOneofCase.Result)).Result.TokenIds);
        await link.SendAsync(Step(1, 2, Outputs.Last, 3));
        Fault fault = await link.ReceiveFaultAsync();

        Assert.Equal(FaultKind.CorruptPacket, fault.Kind);
        Assert.Contains("encoded_bytes: 0, expected 1 to", fault.Message);
    }

    [Fact]
    public async Task Link_SamplingThatCannotBe_IsRefusedByField()
    {
        await using SwarmCluster cluster = await StartAsync(new BlockSpan(0, 4));
        await using ITransport transport = cluster.NewTransport();
        await using RawLink link = await RawLink.GreetAsync(transport, cluster.Nodes[0].Address);
        OpenSession open = Request(cluster.Nodes[0]);
        open.Sampling.Temperature = -1;

        await link.SendAsync(new LinkFrame { Open = open });
        Fault fault = await link.ReceiveFaultAsync();

        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        Assert.Contains("Temperature is -1", fault.Message);
        Assert.Equal(0, cluster.Nodes[0].Sessions);
        await AssertServesAsync(link, cluster.Nodes[0]);
    }

    private static Task<SwarmCluster> StartAsync(BlockSpan blocks) => SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true, blocks);

    private static OpenSession Request(NodeHost node)
    {
        OpenSession open = RawLink.Request(node);
        open.Ends = Ends.Swarm;
        open.Sampling = new SamplingTerms { TopP = 1, RepeatPenalty = 1 };
        return open;
    }

    private static async Task OpenAsync(RawLink link, NodeHost node)
    {
        await link.SendAsync(new LinkFrame { Open = Request(node) });
        await link.ReceiveAsync(LinkFrame.BodyOneofCase.Opened);
        await link.SendAsync(new LinkFrame { Attach = new Attach() });
    }

    private static LinkFrame Step(ulong number, int position, Outputs outputs, params int[] ids)
    {
        var step = new Step { Number = number, Position = (uint)position, Count = (uint)ids.Length, Outputs = outputs };
        step.TokenIds.Add(ids.Select(id => (uint)id));
        return new LinkFrame { Step = step };
    }

    // The same link serves another session.
    private static async Task AssertServesAsync(RawLink link, NodeHost node)
    {
        link.Session = new SessionId(33, 44);
        await OpenAsync(link, node);
        await link.SendAsync(Step(0, 0, Outputs.Last, 1, 2));
        Assert.Single((await link.ReceiveAsync(LinkFrame.BodyOneofCase.Result)).Result.TokenIds);
    }
}
