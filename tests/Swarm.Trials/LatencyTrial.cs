using System.Globalization;
using Swarm.Testing.Networks;
using Swarm.Testing.Trials;

namespace Swarm.Trials;

/// <summary>What a token and a prompt cost over three hops that are far from each other, in namespaces joined by a delaying relay.</summary>
internal static class LatencyTrial
{
    private const int Hops = 3;
    private const int PromptTokens = 512;

    private static readonly string[] Decode = ["Once upon a time", "--tokens", "64"];
    private static readonly string[] Prefill = ["the" + string.Concat(Enumerable.Repeat(" the", PromptTokens - 1)), "--tokens", "1"];

    public static async Task<int> RunAsync(string[] words)
    {
        if (NetworkSupport.Obstacle is { } obstacle)
        {
            Console.WriteLine($"skipped: {obstacle}");
            return 0;
        }

        TimeSpan delay = TimeSpan.FromMilliseconds(new TrialArguments(words).Number("--delay", 25));
        await using DistantChain chain = await DistantChain.StartAsync("0:10", "10:20", "20:30");
        TimeSpan near = (await chain.RunAsync(Decode)).MedianGap;
        chain.Network.SetAll(new LinkConditions(delay));
        TimeSpan far = Figures.Median([(await chain.RunAsync(Decode)).MedianGap, (await chain.RunAsync(Decode)).MedianGap, (await chain.RunAsync(Decode)).MedianGap]);
        TimeSpan expected = near + ((Hops + 1) * delay);
        Say($"a token: {far.TotalMilliseconds:F1} ms over {Hops} hops {delay.TotalMilliseconds:F0} ms apart = {far / expected:P0} of {Hops + 1} delays + {near.TotalMilliseconds:F1} ms without delay (limit 90-110 %)");

        // The second of two, so that code and connections are warm.
        for (int run = 0; run < 3; run++)
        {
            GenerationOutcome prompt = await chain.RunAsync(Prefill);
            double seconds = prompt.Done.GetProperty("promptTokens").GetInt32() / prompt.Done.GetProperty("prefillTokensPerSecond").GetDouble();
            double[] compute = DistantChain.ComputeSeconds(prompt);
            double floor = Math.Max(compute.Max(), compute.Sum() / Environment.ProcessorCount);
            double delays = (Hops + 1) * delay.TotalSeconds;
            Say($"a prompt of {prompt.Done.GetProperty("promptTokens").GetInt32()} tokens: {seconds:F2} s; slowest hop {compute.Max():F2} s, all hops by {Environment.ProcessorCount} cores {compute.Sum() / Environment.ProcessorCount:F2} s; less {delays:F2} s of delays = {(seconds - delays) / floor:F2} x the more of both (limit 1.3)");
        }

        return 0;
    }

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
