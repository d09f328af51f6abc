using System.CommandLine;

namespace Swarm.Cli.Framework;

/// <summary>One command: its name, its settings, and what it does.</summary>
internal abstract class CommandDefinition
{
    public abstract string Name { get; }

    public abstract string Description { get; }

    /// <summary>Settings beside those that every command has.</summary>
    public virtual IReadOnlyList<ISetting> Settings => [];

    /// <summary>The one word without a flag, or null.</summary>
    public virtual Argument<string?>? Argument => null;

    /// <summary>Commands below this one; such a command does nothing itself unless <see cref="RunsItself"/>.</summary>
    public virtual IReadOnlyList<CommandDefinition> Subcommands => [];

    /// <summary>It can be called alone, also where there are commands below it.</summary>
    public virtual bool RunsItself => Subcommands.Count == 0;

    /// <returns>An <see cref="ExitCode"/>.</returns>
    public abstract Task<int> RunAsync(CommandContext context);
}
