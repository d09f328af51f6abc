using Swarm.Testing.Fuzzing;
using Xunit.Sdk;

namespace Swarm.Integration.Tests;

/// <summary>The fuzzer itself: that it finds what it is there to find.</summary>
public sealed class FuzzerTests
{
    private static readonly FuzzSettings Settings = new(2_000, 1, null);

    [Fact]
    public void Run_ParserThatThrowsAnotherError_FailsAndNamesTheInput()
    {
        FuzzTarget target = Target(input => input.Contains((byte)0xFF) ? throw new IndexOutOfRangeException("planted") : "taken");

        FailException failure = Assert.Throws<FailException>(() => Fuzzer.Run(target, Settings));

        Assert.Contains("planted", failure.Message, StringComparison.Ordinal);
        Assert.Contains("SWARM_FUZZ_ONLY=", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_ParserThatBelievesALength_FailsByItsAllocation()
    {
        FuzzTarget target = Target(input => input.Length > 3 && input[3] > 0x40 ? new byte[1 << 20].Length.ToString(System.Globalization.CultureInfo.InvariantCulture) : "taken");

        FailException failure = Assert.Throws<FailException>(() => Fuzzer.Run(target, Settings));

        Assert.Contains("after allocating", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_SeedThatIsRefused_Fails() =>
        Assert.Throws<FailException>(() => Fuzzer.Run(Target(_ => throw new FormatException("no")), Settings));

    [Fact]
    public void Run_ParserThatKeepsItsPromise_CountsOutcomes()
    {
        FuzzReport report = Fuzzer.Run(Target(input => input.Length < 8 ? throw new FormatException("short") : "taken"), Settings);

        Assert.Equal(2_000, report.Inputs);
        Assert.Equal(2_000, report.Outcomes.Values.Sum());
        Assert.Equal(["refused", "taken"], report.Outcomes.Keys);
        Assert.InRange(report.PastHeaderShare, 0.5, 1);
    }

    [Fact]
    public void Input_OfANumber_IsAlwaysTheSameAndUnlikeOthers()
    {
        FuzzTarget target = Target(_ => "taken");
        List<string> inputs = [.. Enumerable.Range(0, 500).Select(index => Convert.ToHexString(Fuzzer.Input(target, 1, index)))];

        Assert.Equal(inputs, Enumerable.Range(0, 500).Select(index => Convert.ToHexString(Fuzzer.Input(target, 1, index))));
        Assert.InRange(inputs.Distinct().Count(), 400, 500);
        Assert.NotEqual(inputs, Enumerable.Range(0, 500).Select(index => Convert.ToHexString(Fuzzer.Input(target, 2, index))));
    }

    [Fact]
    public void JsonMutator_Inputs_StayJson()
    {
        var mutator = new JsonMutator();
        byte[][] seeds = ["""{"a":[1,2.5,"x",null],"b":{"c":true}}"""u8.ToArray()];
        for (ulong seed = 0; seed < 300; seed++)
            System.Text.Json.JsonDocument.Parse(mutator.Mutate(new FuzzRandom(seed), seeds)).Dispose();
    }

    private static FuzzTarget Target(Func<byte[], string> parse) => new()
    {
        Name = "planted",
        Seeds = [[.. Enumerable.Range(0, 16).Select(i => (byte)i)]],
        Mutators = [new ByteMutator()],
        Parse = parse,
        TypedError = error => error is FormatException ? "refused" : null,
        PassedHeader = (_, error) => error is null,
        MaxAllocatedBytes = 1 << 16,
    };
}
