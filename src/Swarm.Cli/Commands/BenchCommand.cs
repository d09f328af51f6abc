using Swarm.Cli.Framework;

namespace Swarm.Cli.Commands;

/// <summary>Measures, each time against the floor of the same run.</summary>
internal sealed class BenchCommand : CommandDefinition
{
    public override string Name => "bench";

    public override string Description => "measures kernels, a model, a chain of nodes, codecs, or many sessions against what the machine can do";

    public override IReadOnlyList<CommandDefinition> Subcommands { get; } = [new BenchKernelsCommand(), new BenchModelCommand(), new BenchChainCommand(), new BenchWireCommand(), new BenchSessionsCommand()];

    public override Task<int> RunAsync(CommandContext context) =>
        throw new UsageException($"'swarm bench' lacks what to measure: {string.Join(", ", Subcommands.Select(command => command.Name))}");
}
