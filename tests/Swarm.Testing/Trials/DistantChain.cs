using System.Text.Json;
using Swarm.Testing.Networks;

namespace Swarm.Testing.Trials;

/// <summary>A client and the nodes of a chain, each in a namespace of its own.</summary>
public sealed class DistantChain : IAsyncDisposable
{
    private DistantChain(TestNetwork network, ServeFleet fleet)
    {
        Network = network;
        Fleet = fleet;
    }

    public TestNetwork Network { get; }

    public ServeFleet Fleet { get; }

    public NetworkHost Client => Network.Hosts[^1];

    /// <summary>Starts nodes of the default model without any delay.</summary>
    public static async Task<DistantChain> StartAsync(params string[] spans)
    {
        TestNetwork network = TestNetwork.Create(spans.Length + 1);
        try
        {
            return new DistantChain(network, await ServeFleet.StartAsync(spans, ["--threads", "1"], network.Hosts));
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    public WatchedGeneration Generate(params string[] arguments) => WatchedGeneration.Start(Fleet.Invite, arguments, Client);

    /// <summary>A generation to its end, which must be a good one.</summary>
    public async Task<GenerationOutcome> RunAsync(params string[] arguments)
    {
        await using WatchedGeneration generation = Generate(arguments);
        GenerationOutcome outcome = await generation.FinishAsync();
        return outcome.IsDone ? outcome : throw new InvalidOperationException(outcome.Failure);
    }

    /// <summary>Seconds that each hop computed.</summary>
    public static double[] ComputeSeconds(GenerationOutcome outcome) =>
        [.. outcome.Done.GetProperty("hops").EnumerateArray().Select((JsonElement hop) => hop.GetProperty("computeSeconds").GetDouble())];

    public async ValueTask DisposeAsync()
    {
        await Fleet.DisposeAsync();
        Network.Dispose();
    }
}
