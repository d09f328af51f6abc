using System.Globalization;

namespace Swarm.Testing.Fuzzing;

/// <summary>How long to fuzz: SWARM_FUZZ_INPUTS, SWARM_FUZZ_SEED, and SWARM_FUZZ_ONLY to repeat the one input of that number.</summary>
public sealed record FuzzSettings(int Inputs, ulong Seed, int? Only)
{
    public static FuzzSettings FromEnvironment() => new(
        (int?)Number("SWARM_FUZZ_INPUTS") ?? 20_000,
        Number("SWARM_FUZZ_SEED") ?? 1,
        (int?)Number("SWARM_FUZZ_ONLY"));

    private static ulong? Number(string name) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : null;
}
