using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Node.SwarmEnds;
using Swarm.Protocol;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Tests.SwarmEnds;

/// <summary>What a session with swarm ends may ask of a hop; everything else is refused by field, value and limit.</summary>
public sealed class EndsTermsTests
{
    private const int Blocks = 4;
    private const int Vocabulary = 100;

    [Theory]
    [InlineData(0, 4, EndParts.Both)]
    [InlineData(0, 2, EndParts.Embedding)]
    [InlineData(1, 3, EndParts.None)]
    [InlineData(2, 4, EndParts.Head)]
    public void Read_SwarmEnds_SaysWhichEndThisHopNeeds(int first, int end, EndParts parts)
    {
        EndsTerms terms = EndsTerms.Read(Request(), new BlockSpan(first, end), Blocks, Vocabulary, out Fault? fault)!;

        Assert.Null(fault);
        Assert.Equal(parts, terms.Parts);
        Assert.Equal((first == 0, end == Blocks), (terms.Embeds, terms.Chooses));
        Assert.Equal((0.5f, 40, 0.9f, 0.25f, 1.5f, 64, 7ul), (
            terms.Sampling.Temperature, terms.Sampling.TopK, terms.Sampling.TopP, terms.Sampling.MinP, terms.Sampling.RepeatPenalty, terms.Sampling.RepeatLastN!.Value,
            terms.Sampling.Seed));
    }

    [Fact]
    public void Read_NoRepeatLastN_MeansAll()
    {
        OpenSession open = Request();
        open.Sampling.ClearRepeatLastN();

        Assert.Null(EndsTerms.Read(open, new BlockSpan(0, 4), Blocks, Vocabulary, out _)!.Sampling.RepeatLastN);
    }

    [Fact]
    public void Read_LocalEnds_AsksForNothing()
    {
        OpenSession open = Request();
        (open.Ends, open.Sampling) = (Ends.Local, null);

        Assert.Null(EndsTerms.Read(open, new BlockSpan(0, 4), Blocks, Vocabulary, out Fault? fault));
        Assert.Null(fault);
    }

    [Theory]
    [InlineData("unknown ends", "ends: 5")]
    [InlineData("sampling with local ends", "sampling: given")]
    [InlineData("no sampling", "sampling: none")]
    [InlineData("not to the end", "hops: end at block 3, expected 4")]
    [InlineData("temperature", "Temperature is 101")]
    [InlineData("temperature is no number", "Temperature is NaN")]
    [InlineData("top-k", "sampling.top_k: 2147483648")]
    [InlineData("top-p", "TopP is 0")]
    [InlineData("min-p", "MinP is -1")]
    [InlineData("penalty", "RepeatPenalty is 0")]
    [InlineData("last n", "sampling.repeat_last_n: 4294967295")]
    public void Read_BadTerms_AreRefusedByName(string name, string says)
    {
        OpenSession open = Request();
        SamplingTerms sampling = open.Sampling;
        switch (name)
        {
            case "unknown ends":
                open.Ends = (Ends)5;
                break;
            case "sampling with local ends":
                open.Ends = Ends.Local;
                break;
            case "no sampling":
                open.Sampling = null;
                break;
            case "not to the end":
                open.Hops[1].EndBlock = 3;
                break;
            case "temperature":
                sampling.Temperature = 101;
                break;
            case "temperature is no number":
                sampling.Temperature = float.NaN;
                break;
            case "top-k":
                sampling.TopK = 1u << 31;
                break;
            case "top-p":
                sampling.TopP = 0;
                break;
            case "min-p":
                sampling.MinP = -1;
                break;
            case "penalty":
                sampling.RepeatPenalty = 0;
                break;
            case "last n":
                sampling.RepeatLastN = uint.MaxValue;
                break;
        }

        Assert.Null(EndsTerms.Read(open, new BlockSpan(0, 2), Blocks, Vocabulary, out Fault? fault));
        Assert.Equal(FaultKind.InvalidArgument, fault!.Kind);
        Assert.Contains(says, fault.Message);
    }

    [Theory]
    [InlineData(0, 0ul)]
    [InlineData(2, 512ul)]
    public void Check_SoundStep_Passes(int first, ulong bytes)
    {
        Assert.Null(EndsTerms.Check(Terms(first), new Step { Count = 2, Outputs = Outputs.Last, EncodedBytes = bytes, TokenIds = { 0, Vocabulary - 1 } }));
        Assert.Null(EndsTerms.Check(null, new Step { Count = 2, Outputs = Outputs.All, EncodedBytes = 512 }));
    }

    [Theory]
    [InlineData("too few", "token_ids: 1, expected 2 (count)")]
    [InlineData("too many", "token_ids: 3, expected 2 (count)")]
    [InlineData("outside", "token_ids[1]: 100, expected 0 to 99")]
    [InlineData("far outside", "token_ids[0]: 4294967295")]
    [InlineData("all rows", "outputs: 2 (all)")]
    [InlineData("unknown outputs", "outputs: 9")]
    [InlineData("hidden states", "encoded_bytes: 512, expected 0")]
    public void Check_StepThatLies_IsRefusedByName(string name, string says)
    {
        var step = new Step { Count = 2, Outputs = Outputs.Last, TokenIds = { 1, 2 } };
        switch (name)
        {
            case "too few":
                step.TokenIds.RemoveAt(0);
                break;
            case "too many":
                step.TokenIds.Add(3);
                break;
            case "outside":
                step.TokenIds[1] = Vocabulary;
                break;
            case "far outside":
                step.TokenIds[0] = uint.MaxValue;
                break;
            case "all rows":
                step.Outputs = Outputs.All;
                break;
            case "unknown outputs":
                step.Outputs = (Outputs)9;
                break;
            case "hidden states":
                step.EncodedBytes = 512;
                break;
        }

        Fault fault = EndsTerms.Check(Terms(0), step)!;

        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        Assert.StartsWith(says.Replace(" (all)", ""), fault.Message);
    }

    [Fact]
    public void Check_IdsWithLocalEnds_AreRefusedByName()
    {
        Fault fault = EndsTerms.Check(null, new Step { Count = 2, EncodedBytes = 512, TokenIds = { 1, 2 } })!;

        Assert.Equal((FaultKind.InvalidArgument, "token_ids: 2, expected none with local ends"), (fault.Kind, fault.Message));
    }

    private static EndsTerms Terms(int first) => EndsTerms.Read(Request(), new BlockSpan(first, 4), Blocks, Vocabulary, out _)!;

    private static OpenSession Request() => new()
    {
        Ends = Ends.Swarm,
        Sampling = new SamplingTerms { Temperature = 0.5f, TopK = 40, TopP = 0.9f, MinP = 0.25f, RepeatPenalty = 1.5f, RepeatLastN = 64, Seed = 7 },
        Hops = { new Hop { FirstBlock = 0, EndBlock = 2 }, new Hop { FirstBlock = 2, EndBlock = Blocks } },
    };
}
