namespace Swarm.Cli.Home;

/// <summary>What is said in several places in the same words.</summary>
internal static class SwarmWords
{
    public const string Public =
        "this swarm is public: anybody who learns an address of it may use it and add nodes to it, without an invite; traffic is encrypted all the same";
}
