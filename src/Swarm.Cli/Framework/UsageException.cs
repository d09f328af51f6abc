namespace Swarm.Cli.Framework;

/// <summary>The command line, the environment or the configuration file says something that cannot be meant: exit 2.</summary>
internal sealed class UsageException(string message) : Exception(message);
