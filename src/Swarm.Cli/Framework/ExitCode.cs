namespace Swarm.Cli.Framework;

/// <summary>What the program's exit status means; part of the command's contract.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    public const int Failed = 1;

    public const int Usage = 2;

    /// <summary>The swarm cannot serve this now: no route, no capacity.</summary>
    public const int Unavailable = 3;

    public const int Interrupted = 130;
}
