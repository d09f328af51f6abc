using Xunit;

namespace Swarm.Testing.Fuzzing;

/// <summary>
/// Feeds a parser valid inputs, broken. The rule: it takes them or throws its typed error, never another, and allocates no more than its bound. Every
/// input has a number from which it can be made again.
/// </summary>
public static class Fuzzer
{
    public static FuzzReport Run(FuzzTarget target, FuzzSettings settings)
    {
        foreach (byte[] seed in target.Seeds)
            CheckSeed(target, seed);
        var report = new FuzzReport(target.Name, settings.Seed);
        int first = settings.Only ?? 0, end = settings.Only is { } only ? only + 1 : settings.Inputs;
        for (int index = first; index < end; index++)
        {
            byte[] input = Input(target, settings.Seed, index);
            Feed(target, input, report, () => $"{target.Name}: input {index} of seed {settings.Seed} (SWARM_FUZZ_SEED={settings.Seed} SWARM_FUZZ_ONLY={index}), {Show(input)}");
        }

        return report;
    }

    /// <summary>The input of a number: nothing of the inputs before it matters.</summary>
    public static byte[] Input(FuzzTarget target, ulong seed, int index)
    {
        var random = new FuzzRandom(new FuzzRandom(seed ^ ((ulong)index * 0xD1B54A32D192ED03)).NextUInt64());
        return random.Pick(target.Mutators).Mutate(random, target.Seeds);
    }

    private static void CheckSeed(FuzzTarget target, byte[] seed)
    {
        Exception? error = Record.Exception(() => target.Parse(seed));
        if (error is not null)
            Assert.Fail($"{target.Name}: a seed is not valid, {Show(seed)}: {error}");
    }

    private static void Feed(FuzzTarget target, byte[] input, FuzzReport report, Func<string> describe)
    {
        Exception? error = null;
        string? outcome = null;
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            outcome = target.Parse(input);
        }
        catch (Exception exception)
        {
            error = exception;
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (error is not null)
            outcome = target.TypedError(error);
        if (outcome is null)
            Assert.Fail($"{describe()}: an error that the parser does not promise: {error}");
        if (allocated > target.MaxAllocatedBytes)
            Assert.Fail($"{describe()}: {outcome} after allocating {allocated} bytes, at most {target.MaxAllocatedBytes}");
        report.Add(outcome, target.PassedHeader(input, error), allocated);
    }

    private static string Show(byte[] input) => input.Length <= 3000
        ? $"{input.Length} bytes {Convert.ToBase64String(input)}"
        : $"{input.Length} bytes";
}
