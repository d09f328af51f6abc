using Swarm.Client;

namespace Swarm.Cli.Processes;

/// <summary>What became of a text whose chain lost a node half-way.</summary>
/// <param name="Undisturbed">The same generation before, with every node alive.</param>
/// <param name="Result">The generation that lost a node.</param>
/// <param name="Killed">The hop that was killed; null when the text was over before its time came.</param>
/// <param name="AtToken">After how many tokens.</param>
/// <param name="Pause">The longest wait for a token from then on.</param>
/// <param name="UsualGap">The median wait for a token.</param>
/// <param name="Recovery">How the chain was mended; null when it was not.</param>
internal sealed record KillReport(
    GenerationResult Undisturbed, GenerationResult Result, ChainHop? Killed, int AtToken, TimeSpan Pause, TimeSpan UsualGap, ChainRecovery? Recovery)
{
    public bool IsUnchanged => Result.Tokens.SequenceEqual(Undisturbed.Tokens);

    /// <summary>The hops that compute the killed one's blocks now.</summary>
    public IEnumerable<ChainHop> TookOver => Killed is null
        ? []
        : Result.Route.Hops.Where(hop => hop.Blocks.Start < Killed.Blocks.End && Killed.Blocks.Start < hop.Blocks.End);
}
