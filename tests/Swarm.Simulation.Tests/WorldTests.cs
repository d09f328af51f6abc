using Swarm.Client;
using Swarm.Kernels.Cpu;
using Swarm.Models;
using Xunit.Abstractions;

namespace Swarm.Simulation.Tests;

public sealed class WorldTests(ITestOutputHelper output)
{
    private static readonly string Model = SimulationTestModel.Name;

    [Fact]
    public async Task Generate_UndisturbedSwarm_IsTheLocalText()
    {
        await using LocalModel local = LocalModel.Load(new LocalModelOptions { Source = ModelSource.Open(Model), Kernels = new CpuKernels(1) });
        int[] prompt = [.. Enumerable.Range(0, 40).Select(token => (token * 37) % 300)];
        GenerationResult expected = await local.GenerateAsync(prompt, new GenerationOptions { MaxTokens = 20, StopAtEndOfSequence = false }).CompleteAsync();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        string[] traces = new string[3];
        for (int run = 0; run < 3; run++)
        {
            var trace = new RunTrace();
            using var swarm = new SimulatedSwarm(1, Model, trace);
            IReadOnlyList<int> tokens = swarm.World.Run(async () =>
            {
                var speed = new ComputeSpeed(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(0.1));
                foreach (BlockSpan span in new BlockSpan[] { new(0, 3), new(3, 5), new(5, 7), new(0, 4), new(4, 7) })
                    await swarm.StartAsync(swarm.Add(span, speed));
                VirtualProcess process = swarm.NewProcess("client0");
                return await process.StartAsync(async () =>
                {
                    await using SwarmClient client = await swarm.ConnectAsync(process);
                    return (await client.GenerateAsync(prompt, new GenerationOptions { MaxTokens = 20, StopAtEndOfSequence = false }).CompleteAsync()).Tokens;
                });
            });
            output.WriteLine($"{swarm.World.Elapsed} virtual, {swarm.World.Events} events, {trace.Count} messages, {watch.Elapsed}");
            Assert.Equal(expected.Tokens, tokens);
            traces[run] = trace.Text;
        }

        Assert.Equal(traces[0], traces[1]);
    }
}
