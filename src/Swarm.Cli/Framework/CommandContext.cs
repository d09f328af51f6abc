using System.CommandLine;
using System.Text;
using Spectre.Console;

namespace Swarm.Cli.Framework;

/// <summary>What a running command works with.</summary>
internal sealed class CommandContext
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly ParseResult _parsed;
    private readonly ConfigFile _config;
    private IAnsiConsole? _outConsole;
    private IAnsiConsole? _errorConsole;

    public CommandContext(CliHost host, ParseResult parsed, ConfigFile config, HomeFolder home, EventWriter? events, Interrupts interrupts)
    {
        Host = host;
        _parsed = parsed;
        _config = config;
        Home = home;
        Events = events;
        Interrupts = interrupts;
        Out = new StreamWriter(host.Output, Utf8, bufferSize: 4096, leaveOpen: true) { AutoFlush = true, NewLine = "\n" };
        UseColor = !Get(CommonSettings.NoColor) && host.Environment("NO_COLOR") is null or "" && host.Environment("TERM") != "dumb";
    }

    public CliHost Host { get; }

    public HomeFolder Home { get; }

    public Interrupts Interrupts { get; }

    /// <summary>Where events go; null without <c>--json</c>.</summary>
    public EventWriter? Events { get; }

    public bool IsJson => Events is not null;

    /// <summary>Results for people; nothing is written here with <c>--json</c>.</summary>
    public TextWriter Out { get; }

    /// <summary>Progress and hints.</summary>
    public TextWriter Error => Host.Error;

    public bool UseColor { get; }

    /// <summary>Progress is drawn on a terminal only, and not beside events.</summary>
    public bool ShowsProgress => Host.ErrorIsTerminal && !IsJson;

    public TimeProvider Time => Host.Time;

    /// <summary>Tables on stdout.</summary>
    public IAnsiConsole OutConsole => _outConsole ??= CreateConsole(Out, Host.OutputIsTerminal);

    /// <summary>Tables and bars on stderr.</summary>
    public IAnsiConsole ErrorConsole => _errorConsole ??= CreateConsole(Error, Host.ErrorIsTerminal);

    public T Get<T>(Setting<T> setting) => setting.Resolve(_parsed, Host.Environment, _config);

    /// <summary>True when flag, environment or file gives it, whatever it is.</summary>
    public bool IsGiven<T>(Setting<T> setting) => setting.IsGiven(_parsed, Host.Environment, _config);

    /// <summary>True when flag, environment or file gives it.</summary>
    public bool IsSet(Setting<string?> setting) => Get(setting) is not null;

    public IReadOnlyList<string> Get(TextListSetting setting) => setting.Resolve(_parsed);

    public string? GetArgument(Argument<string?> argument) => _parsed.GetValue(argument);

    /// <summary>A line for people on stderr; nothing beside events.</summary>
    public void Say(string line)
    {
        if (!IsJson)
            Error.WriteLine(line);
    }

    /// <summary>Everything on stdin as UTF-8 text.</summary>
    public async Task<string> ReadInputAsync()
    {
        using StreamReader reader = new(Host.Input, Utf8, detectEncodingFromByteOrderMarks: true, bufferSize: 4096, leaveOpen: true);
        return await reader.ReadToEndAsync(Interrupts.Polite);
    }

    /// <summary>A whole file as UTF-8 text; - is stdin.</summary>
    public async Task<string> ReadTextAsync(string path) =>
        path == "-" ? await ReadInputAsync() : await File.ReadAllTextAsync(path, Utf8, Interrupts.Polite);

    public StreamReader OpenInput() => new(Host.Input, Utf8, detectEncodingFromByteOrderMarks: true, bufferSize: 4096, leaveOpen: true);

    private IAnsiConsole CreateConsole(TextWriter writer, bool isTerminal)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = isTerminal && UseColor ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isTerminal && UseColor ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isTerminal && !IsJson ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });

        // A file or a pipe has no width that a table could be cut to.
        if (!isTerminal)
            console.Profile.Width = 200;
        return console;
    }
}
