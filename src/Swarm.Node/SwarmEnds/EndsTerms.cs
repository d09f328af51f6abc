using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Models.Sampling;
using Swarm.Protocol;
using Swarm.Protocol.Wire;

namespace Swarm.Node.SwarmEnds;

/// <summary>What a session that leaves the model's ends to the swarm asks of this hop.</summary>
/// <param name="Sampling">How the last hop chooses.</param>
/// <param name="Embeds">This hop has block 0: it gets token ids in place of hidden states.</param>
/// <param name="Chooses">This hop has the last block: it gives back ids in place of hidden states.</param>
/// <param name="Vocabulary">Token ids are below this.</param>
internal sealed record EndsTerms(SamplingOptions Sampling, bool Embeds, bool Chooses, int Vocabulary)
{
    /// <summary>What must be loaded before the first step.</summary>
    public EndParts Parts => (Embeds ? EndParts.Embedding : EndParts.None) | (Chooses ? EndParts.Head : EndParts.None);

    /// <summary>Reads what a request says of the ends. Null with local ends, and with a fault that names field, value and limit.</summary>
    public static EndsTerms? Read(OpenSession open, BlockSpan part, int modelBlocks, int vocabulary, out Fault? fault)
    {
        fault = null;
        string? wrong = null;
        EndsTerms? terms = null;
        switch (open.Ends)
        {
            case Ends.Local when open.Sampling is null:
                break;
            case Ends.Local:
                wrong = "sampling: given, expected none with local ends (0)";
                break;
            case Ends.Swarm when open.Sampling is null:
                wrong = "sampling: none, expected one with swarm ends (1)";
                break;
            case Ends.Swarm when open.Hops[^1].EndBlock != modelBlocks:
                wrong = $"hops: end at block {open.Hops[^1].EndBlock}, expected {modelBlocks} with swarm ends (1)";
                break;
            case Ends.Swarm:
                SamplingOptions? sampling = Read(open.Sampling, out wrong);
                terms = sampling is null ? null : new EndsTerms(sampling, part.Start == 0, part.End == modelBlocks, vocabulary);
                break;
            default:
                wrong = $"ends: {(int)open.Ends}, expected 0 (local) or 1 (swarm)";
                break;
        }

        if (wrong is not null)
            fault = new Fault { Kind = FaultKind.InvalidArgument, Message = wrong };
        return terms;
    }

    /// <summary>What is wrong with a step's ids, outputs or size; null when nothing is.</summary>
    /// <param name="terms">Of the session; null with local ends.</param>
    /// <param name="step">Its count has been checked.</param>
    public static Fault? Check(EndsTerms? terms, Step step)
    {
        string? wrong = null;
        if (terms is null)
        {
            if (step.TokenIds.Count > 0)
                wrong = $"token_ids: {step.TokenIds.Count}, expected none with local ends";
        }
        else if (step.TokenIds.Count != step.Count)
        {
            wrong = $"token_ids: {step.TokenIds.Count}, expected {step.Count} (count)";
        }
        else if (step.Outputs is not (Outputs.None or Outputs.Last))
        {
            wrong = $"outputs: {(int)step.Outputs}, expected 0 (none) or 1 (last) with swarm ends";
        }
        else if (terms.Embeds && step.EncodedBytes > 0)
        {
            wrong = $"encoded_bytes: {step.EncodedBytes}, expected 0: the hop with block 0 gets token ids";
        }
        else
        {
            for (int index = 0; wrong is null && index < step.TokenIds.Count; index++)
            {
                if (step.TokenIds[index] >= (uint)terms.Vocabulary)
                    wrong = $"token_ids[{index}]: {step.TokenIds[index]}, expected 0 to {terms.Vocabulary - 1}";
            }
        }

        return wrong is null ? null : new Fault { Kind = FaultKind.InvalidArgument, Message = wrong };
    }

    private static SamplingOptions? Read(SamplingTerms terms, out string? wrong)
    {
        wrong = null;
        if (terms.TopK > int.MaxValue)
            wrong = $"sampling.top_k: {terms.TopK}, expected at most {int.MaxValue}";
        else if (terms.HasRepeatLastN && terms.RepeatLastN > int.MaxValue)
            wrong = $"sampling.repeat_last_n: {terms.RepeatLastN}, expected at most {int.MaxValue}";
        if (wrong is not null)
            return null;
        var options = new SamplingOptions
        {
            Temperature = terms.Temperature,
            TopK = (int)terms.TopK,
            TopP = terms.TopP,
            MinP = terms.MinP,
            RepeatPenalty = terms.RepeatPenalty,
            RepeatLastN = terms.HasRepeatLastN ? (int)terms.RepeatLastN : null,
            Seed = terms.Seed,
        };
        try
        {
            options.Validate();
            return options;
        }
        catch (ModelException exception)
        {
            wrong = $"sampling: {exception.Message}";
            return null;
        }
    }
}
