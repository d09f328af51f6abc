using System.CommandLine;

namespace Swarm.Cli.Framework;

/// <summary>What the command tree and the configuration file need to know of a setting.</summary>
internal interface ISetting
{
    /// <summary>The flag, with its dashes.</summary>
    string Flag { get; }

    /// <summary>Key in swarm.json; null where only the flag counts.</summary>
    string? ConfigKey { get; }

    Option Option { get; }
}
