using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;
using System.Text;
using Swarm.Cli.Commands;
using Swarm.Protocol;

namespace Swarm.Cli.Framework;

/// <summary>The program from arguments to exit status: parse, run one command, turn whatever it threw into one line and one event.</summary>
internal static class SwarmProgram
{
    /// <summary>The arithmetic that every process of a chain shares.</summary>
    private const string NumericsClass = "canonical-1";

    /// <summary>The program's own version.</summary>
    public static string Version { get; } =
        typeof(SwarmProgram).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public static async Task<int> RunAsync(IReadOnlyList<string> args, CliHost host)
    {
        // The flag is looked for by hand too: a line that does not parse still answers in the form that was asked for.
        EventWriter? events = args.TakeWhile(arg => arg != "--").Contains("--json") || IsTrue(host.Environment("SWARM_JSON"))
            ? new EventWriter(host.Output)
            : null;
        using Interrupts interrupts = new(host.Time);
        try
        {
            return await RunParsedAsync(args, host, events, interrupts);
        }
        catch (Exception e)
        {
            Failure failure = Failure.From(e, interrupts.Requested);
            try
            {
                events?.Write("failed", json =>
                {
                    json.WriteString("code", failure.Code);
                    json.WriteString("message", failure.OneLine);
                    failure.Details?.Invoke(json);
                });
            }
            catch (IOException)
            {
                // Nobody reads any more.
            }

            host.Error.WriteLine($"swarm: {failure.OneLine}");
            if (failure.Code == "Internal" && host.Environment("SWARM_DEBUG") is { Length: > 0 })
                host.Error.WriteLine(e);
            return failure.ExitCode;
        }
    }

    private static async Task<int> RunParsedAsync(IReadOnlyList<string> args, CliHost host, EventWriter? events, Interrupts interrupts)
    {
        CommandTree tree = new(AllCommands.Create());
        ParseResult parsed = tree.Parse(args);
        if (parsed.Action is HelpAction help)
        {
            using StreamWriter writer = OpenOut(host);
            parsed.InvocationConfiguration.Output = writer;
            return ((SynchronousCommandLineAction)help).Invoke(parsed);
        }

        CommandDefinition? definition = tree.DefinitionOf(parsed);
        bool isRoot = definition is null;
        if (isRoot && parsed.UnmatchedTokens.Count == 0 && !parsed.Errors.Any(error => error.SymbolResult is not null and not System.CommandLine.Parsing.CommandResult))
        {
            if (CommandTree.Version.IsOnCommandLine(parsed))
                return ShowVersion(host, events);
            using StreamWriter writer = OpenOut(host);
            writer.Write(ShortHelp(tree));
            return ExitCode.Done;
        }

        if (CommandTree.ErrorOf(parsed) is { } mistake)
            throw new UsageException(mistake);

        string? namedHome = CommonSettings.Home.Resolve(parsed, host.Environment, ConfigFile.Load("", []));
        string configFolder = namedHome ?? HomeFolder.DefaultConfigFolder(host.Environment);
        string[] keys = [.. tree.Settings.Select(setting => setting.ConfigKey).OfType<string>().Distinct()];
        ConfigFile config = ConfigFile.Load(Path.Combine(configFolder, HomeFolder.ConfigFileName), keys);
        HomeFolder home = new(Path.GetFullPath(CommonSettings.Home.Resolve(parsed, host.Environment, config) ?? HomeFolder.DefaultPath(host.Environment)));
        if (events is null && CommonSettings.Json.Resolve(parsed, host.Environment, config))
            events = new EventWriter(host.Output);
        CommandContext context = new(host, parsed, config, home, events, interrupts);
        foreach (ISetting setting in definition!.Settings.Concat(CommonSettings.Everywhere))
            setting.Check(parsed, host.Environment, config);
        interrupts.Listen();
        return await definition.RunAsync(context);
    }

    private static int ShowVersion(CliHost host, EventWriter? events)
    {
        if (events is not null)
        {
            events.Write("done", json =>
            {
                json.WriteString("version", Version);
                json.WriteNumber("wire", WireVersion.Current);
                json.WriteString("numerics", NumericsClass);
            });
            return ExitCode.Done;
        }

        using StreamWriter writer = OpenOut(host);
        writer.WriteLine($"swarm {Version}, wire {WireVersion.Current}, numerics {NumericsClass}");
        return ExitCode.Done;
    }

    private static string ShortHelp(CommandTree tree)
    {
        StringBuilder text = new();
        text.Append("swarm runs language models too large for one machine on computers that people lend.\n\n");
        int width = tree.Root.Subcommands.Where(command => !command.Hidden).Max(command => command.Name.Length);
        foreach (Command command in tree.Root.Subcommands.Where(command => !command.Hidden))
            text.Append("  swarm ").Append(command.Name.PadRight(width + 2)).Append(command.Description).Append('\n');
        text.Append("\n'swarm demo' shows it all on this machine; 'swarm COMMAND --help' tells the flags.\n");
        return text.ToString();
    }

    private static StreamWriter OpenOut(CliHost host) => new(host.Output, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };

    private static bool IsTrue(string? text) => text?.ToLowerInvariant() is "1" or "true" or "yes" or "on";
}
