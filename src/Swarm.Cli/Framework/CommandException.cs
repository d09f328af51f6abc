namespace Swarm.Cli.Framework;

/// <summary>A failure that the command line itself finds, with the stable word that scripts test.</summary>
internal sealed class CommandException(string code, string message, int exitCode = ExitCode.Failed, Exception? inner = null)
    : Exception(message, inner)
{
    public string Code { get; } = code;

    public int ExitCode { get; } = exitCode;
}
