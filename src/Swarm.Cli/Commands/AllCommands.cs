using Swarm.Cli.Control;
using Swarm.Cli.Framework;

namespace Swarm.Cli.Commands;

/// <summary>The commands, in the order in which help shows them.</summary>
internal static class AllCommands
{
    public static IReadOnlyList<CommandDefinition> Create() => [new DemoCommand(), new ServeCommand(), new GenerateCommand(), new ChatCommand(), new ScoreCommand(), new TokenizeCommand(), new PullCommand(), new ModelsCommand(), new InspectCommand(), new BenchCommand(), new SimulateCommand(), new StatusCommand(), new InviteCommand(), new PauseCommand(ControlRequest.Pause), new PauseCommand(ControlRequest.Resume)];
}
