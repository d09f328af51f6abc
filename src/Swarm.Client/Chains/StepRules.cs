using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>What a step must satisfy before it is sent.</summary>
internal static class StepRules
{
    public static void Check(int position, int count, int length, int maxPositions)
    {
        if (count is < 1 or > ChainLimits.MaxStepTokens)
            throw new SwarmException(FaultKind.InvalidArgument, $"count: {count}, expected 1 to {ChainLimits.MaxStepTokens}");
        if (position < 0 || position > length)
            throw new SwarmException(FaultKind.WrongPosition, $"position: {position}, expected 0 to {length} (the session's length)");
        if (count > maxPositions - position)
            throw new SwarmException(FaultKind.ContextExceeded, $"positions: {(long)position + count}, expected at most {maxPositions}");
    }
}
