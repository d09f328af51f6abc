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

    /// <summary>Reads the value where it is given, so that a mistake is named before anything is begun.</summary>
    /// <exception cref="UsageException">It is not such a value; the message says where it was given.</exception>
    void Check(ParseResult parsed, Func<string, string?> environment, ConfigFile config);
}
