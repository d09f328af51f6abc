using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;
using Swarm.Testing.Fuzzing;
using Xunit.Abstractions;

namespace Swarm.Node.Tests.Sessions;

/// <summary>Mutated and random frames against a node that lives, while an honest session goes on. `scripts/hostile` sends a million.</summary>
[Collection(nameof(HostileAlone))]
public sealed class HostileTests(ITestOutputHelper output)
{
    private const int Hidden = 64;
    private const int FramesOfALink = 250;
    private const int Positions = 40;

    [Fact]
    public async Task Link_BrokenFrames_NodeLivesAndAnHonestSessionGoesOn()
    {
        FuzzSettings settings = FuzzSettings.FromEnvironment();
        var random = new FuzzRandom(settings.Seed);
        var time = new ManualTime(DateTimeOffset.UtcNow);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.Path("families/llama"), inMemory: true);
        NodeHost node = await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 4)) with { Time = time });
        await using ITransport transport = cluster.NewTransport();
        await using ITransport other = cluster.NewTransport();
        await using RawLink honest = await RawLink.GreetAsync(transport, node.Address);
        long free = node.CacheTokensFree;
        await honest.OpenSessionAsync(node);
        ByteString[] expected = new ByteString[Positions];
        ulong steps = 0;
        for (; steps < Positions; steps++)
            expected[steps] = await StepAsync(honest, steps);

        (long managed, long resident) before = default;
        for (int sent = 0; sent < settings.Inputs; sent += FramesOfALink)
        {
            await AttackAsync(random, node, other);
            // What an attack left behind has lost its link: its time is over.
            time.Advance(ChainTiming.Hold);
            Assert.Equal(expected[steps % Positions], await StepAsync(honest, steps));
            steps++;
            if (sent == settings.Inputs / 4 / FramesOfALink * FramesOfALink)
                before = (GC.GetTotalMemory(forceFullCollection: true), Process.GetCurrentProcess().WorkingSet64);
        }

        await honest.SendAsync(new LinkFrame { Close = new CloseSession() });
        await cluster.WaitUntilIdleAsync();
        long managed = GC.GetTotalMemory(forceFullCollection: true);
        long resident = Process.GetCurrentProcess().WorkingSet64;
        output.WriteLine(
            $"{settings.Inputs} inputs of seed {settings.Seed}: {steps} honest steps, managed {before.managed >> 10} then {managed >> 10} KiB, resident {before.resident >> 20} then {resident >> 20} MiB");
        Assert.Equal((0, 0L, free), (node.Sessions, node.CacheBytesUsed, node.CacheTokensFree));
        Assert.InRange(managed - before.managed, long.MinValue, 8 << 20);
        Assert.InRange(resident - before.resident, long.MinValue, 128 << 20);
    }

    private static async Task<ByteString> StepAsync(RawLink link, ulong number)
    {
        await link.SendAsync(RawLink.Step(number, (int)(number % Positions), 1, Hidden));
        return (await link.ReceiveAsync(LinkFrame.BodyOneofCase.Result)).Chunk.Payload;
    }

    // One link with a session of its own, so that what lies behind the first check is reached; the node may end it at any frame.
    private static async Task AttackAsync(FuzzRandom random, NodeHost node, ITransport transport)
    {
        await using RawLink link = await RawLink.GreetAsync(transport, node.Address);
        link.Session = new SessionId(random.NextUInt64(), random.NextUInt64());
        Task reading = link.ReceiveEndAsync();
        var mutator = new ByteMutator { MaxLength = 1 << 15 };
        List<byte[]> seeds = Seeds(link, node, 0);
        try
        {
            await link.SendAsync(seeds[0]);
            for (int count = 1; count < FramesOfALink; count++)
            {
                if (random.Chance(10))
                    seeds = Seeds(link, node, (uint)random.Next(3));
                await link.SendAsync(random.Next(10) switch
                {
                    0 => random.Pick(seeds),
                    1 => RandomBytes(random),
                    _ => mutator.Mutate(random, seeds),
                });
            }

            await link.CompleteAsync();
        }
        catch (RpcException)
        {
            // The node had enough of this link.
        }

        await reading;
    }

    private static byte[] RandomBytes(FuzzRandom random)
    {
        var bytes = new byte[random.Next(200)];
        for (int index = 0; index < bytes.Length; index++)
            bytes[index] = (byte)random.Next(256);
        return bytes;
    }

    private static List<byte[]> Seeds(RawLink link, NodeHost node, uint epoch)
    {
        OpenSession open = RawLink.Request(node);
        OpenSession further = RawLink.Request(node);
        further.Hops[0].EndBlock = 2;
        further.Hops.Add(new Hop { Peer = ByteString.CopyFrom(new byte[32]), Addresses = { "127.0.0.1:9" }, FirstBlock = 2, EndBlock = 4 });
        LinkFrame step = RawLink.Step(0, 0, 2, Hidden);
        LinkFrame[] frames =
        [
            new() { Open = open },
            new() { Open = further },
            new() { Attach = new Attach() },
            step,
            RawLink.Step(1, 2, 1, Hidden),
            RawLink.Step(1, 1, 3, Hidden),
            new() { Chunk = step.Chunk },
            new() { Suspend = new Suspend() },
            new() { KeepAlive = new KeepAlive() },
            new() { Opened = new Opened { Hops = { new HopOpened { GrantedPositions = 9 } } } },
            new() { Ack = new StepAck { Number = 1 } },
            new() { Fault = new Fault { Kind = FaultKind.NoCapacity } },
            new() { Close = new CloseSession() },
        ];
        List<byte[]> bytes = [.. frames.Select(frame => frame.Address(link.Session, epoch).ToByteArray())];
        bytes.Add(new LinkFrame { Progress = new Progress { Sessions = 1 } }.ToByteArray());
        bytes.Add(new LinkFrame { Hello = new Hello { Version = 1 } }.ToByteArray());
        return bytes;
    }
}
