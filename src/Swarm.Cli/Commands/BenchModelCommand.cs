using Swarm.Cli.Framework;
using Swarm.Cli.Measuring;
using Swarm.Client;
using Swarm.Kernels.Cpu;

namespace Swarm.Cli.Commands;

/// <summary>A whole model in this process against the memory it streams from.</summary>
internal sealed class BenchModelCommand : CommandDefinition
{
    private static readonly Setting<int> Prompt = new("prompt", "N", "tokens of the prompt (default 128)", Values.Integer(1, 1 << 16), 128);
    private static readonly Setting<int> Steps = new("steps", "N", "decode steps a round (default 12)", Values.Integer(1, 1 << 16), 12);
    private static readonly Setting<int> Rounds = new("rounds", "N", "rounds of floor, prefill and decode in turn (default 5)", Values.Integer(1, 1000), 5);

    public override string Name => "model";

    public override string Description => "prefill and decode of a model in this process against memory bandwidth";

    public override IReadOnlyList<ISetting> Settings => [CommonSettings.Model, CommonSettings.Weights, CommonSettings.Threads, Prompt, Steps, Rounds];

    public override async Task<int> RunAsync(CommandContext context)
    {
        CancellationToken polite = context.Interrupts.Polite;
        int threads = context.Get(CommonSettings.Threads);
        int promptTokens = context.Get(Prompt);
        int decodeSteps = context.Get(Steps);
        await using LocalModel model = await ModelOpening.LoadLocalAsync(context);
        long weightBytes = model.Blocks.WeightBytes + model.Ends.HeadBytes;
        await using DecodeProbe probe = await DecodeProbe.OpenAsync(model, promptTokens, decodeSteps, context.Time, polite);
        using HardwareProbe hardware = new(threads, Math.Max(weightBytes, 128L << 20));

        // Once for nothing: the pages are in memory and the code is compiled.
        await probe.PrefillAsync(polite);
        await probe.DecodeAsync(decodeSteps, polite);
        ReadAll(hardware);

        // Floor and model in turn: what else the machine does falls on both.
        List<double> reads = [];
        List<double> prefills = [];
        List<double> steps = [];
        for (int round = 0; round < context.Get(Rounds); round++)
        {
            polite.ThrowIfCancellationRequested();
            reads.Add(Seconds(context.Time, () => ReadAll(hardware)));
            prefills.Add(await probe.PrefillAsync(polite));
            steps.AddRange((await probe.DecodeAsync(decodeSteps, polite)).Select(step => step.Seconds));
            reads.Add(Seconds(context.Time, () => ReadAll(hardware)));
        }

        double bandwidth = hardware.Bytes / Medians.Of(reads);
        double prefill = promptTokens / Medians.Of(prefills);
        double decode = 1 / Medians.Of(steps);
        double fraction = decode * weightBytes / bandwidth;
        if (context.Events is { } events)
        {
            events.Write("done", json =>
            {
                json.WriteString("model", model.Name);
                json.WriteNumber("threads", threads);
                json.WriteFinite("readBandwidthBytesPerSecond", bandwidth);
                json.WriteFinite("prefillTokensPerSecond", prefill);
                json.WriteFinite("decodeTokensPerSecond", decode);
                json.WriteFinite("decodeBandwidthFraction", fraction);
                json.WriteNumber("weightBytesPerToken", weightBytes);
            });
        }
        else
        {
            context.Out.WriteLine($"model             {model.Name}, {threads} threads");
            context.Out.WriteLine($"weights a token   {Sizes.Bytes(weightBytes)}");
            context.Out.WriteLine($"read bandwidth    {Sizes.Rate(bandwidth)} (the floor: plain reading, same run)");
            context.Out.WriteLine(FormattableString.Invariant($"prefill           {prefill:F1} tokens/s ({promptTokens} tokens)"));
            context.Out.WriteLine(FormattableString.Invariant($"decode            {decode:F1} tokens/s, {Sizes.Percent(fraction)} of the floor's {bandwidth / weightBytes:F1}"));
        }

        return ExitCode.Done;
    }

    private static void ReadAll(HardwareProbe hardware)
    {
        for (int slice = 0; slice < HardwareProbe.Slices; slice++)
            hardware.Read();
    }

    private static double Seconds(TimeProvider time, Action action)
    {
        long start = time.GetTimestamp();
        action();
        return time.GetElapsedTime(start).TotalSeconds;
    }
}
