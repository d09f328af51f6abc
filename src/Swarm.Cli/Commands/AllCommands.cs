using Swarm.Cli.Framework;

namespace Swarm.Cli.Commands;

/// <summary>The commands, in the order in which help shows them.</summary>
internal static class AllCommands
{
    public static IReadOnlyList<CommandDefinition> Create() => [new TokenizeCommand(), new InspectCommand(), new InviteCommand()];
}
