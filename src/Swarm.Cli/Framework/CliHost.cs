using System.Text;

namespace Swarm.Cli.Framework;

/// <summary>What the program is given by the machine: streams, environment, clock. Tests give their own.</summary>
internal sealed class CliHost
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    public required Stream Input { get; init; }

    public required Stream Output { get; init; }

    public required TextWriter Error { get; init; }

    public required Func<string, string?> Environment { get; init; }

    public required TimeProvider Time { get; init; }

    public bool InputIsTerminal { get; init; }

    public bool OutputIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    /// <summary>The real machine. Streams are UTF-8 whatever the platform's code page is.</summary>
    public static CliHost Real()
    {
        if (OperatingSystem.IsWindows())
        {
            // A Windows console shows UTF-8 only after it was told so; a redirected one has nothing to tell.
            TryUseUtf8Console();
        }

        return new CliHost
        {
            Input = Console.OpenStandardInput(),
            Output = Console.OpenStandardOutput(),
            Error = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardError(), Utf8) { AutoFlush = true }),
            Environment = System.Environment.GetEnvironmentVariable,
            Time = TimeProvider.System,
            InputIsTerminal = !Console.IsInputRedirected,
            OutputIsTerminal = !Console.IsOutputRedirected,
            ErrorIsTerminal = !Console.IsErrorRedirected,
        };
    }

    private static void TryUseUtf8Console()
    {
        try
        {
            Console.OutputEncoding = Utf8;
            Console.InputEncoding = Utf8;
        }
        catch (IOException)
        {
            // No console is attached.
        }
    }
}
