using System.CommandLine;
using System.CommandLine.Parsing;

namespace Swarm.Cli.Framework;

/// <summary>The parser's tree of all commands, and what is wrong with a command line in the program's own words.</summary>
internal sealed class CommandTree
{
    private static readonly ParserConfiguration Configuration = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };

    private readonly Dictionary<Command, CommandDefinition> _definitions = [];

    public CommandTree(IReadOnlyList<CommandDefinition> definitions)
    {
        Root = new RootCommand("Runs language models too large for one machine on computers that people lend.");

        // A prompt may begin with a bracket; the program takes no directives.
        Root.Directives.Clear();
        foreach (Option version in Root.Options.OfType<VersionOption>().ToArray())
            Root.Options.Remove(version);
        Root.Options.Add(Version.Option);
        foreach (ISetting setting in CommonSettings.Everywhere)
        {
            setting.Option.Recursive = true;
            Root.Options.Add(setting.Option);
        }

        Settings = [.. CommonSettings.Everywhere];
        foreach (CommandDefinition definition in definitions)
            Root.Subcommands.Add(Build(definition));
    }

    public static Setting<bool> Version { get; } = Setting<bool>.Switch("version", "program, wire version and numerics class", inputOnly: true);

    public RootCommand Root { get; }

    /// <summary>Every setting of every command.</summary>
    public List<ISetting> Settings { get; }

    public ParseResult Parse(IReadOnlyList<string> args) => Root.Parse(args, Configuration);

    public CommandDefinition? DefinitionOf(ParseResult parsed) => _definitions.GetValueOrDefault(parsed.CommandResult.Command);

    /// <summary>What is wrong with the command line, or null.</summary>
    public static string? ErrorOf(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string path = PathOf(parsed.CommandResult);
        if (command.Subcommands.Count > 0 && parsed.UnmatchedTokens is [{ } first, ..] && !LooksLikeFlag(first))
        {
            string? nearest = NearestName.Of(first, command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name));
            return $"unknown command '{first}' of '{path}'; the nearest is '{nearest}'";
        }

        bool hasDoubleDash = parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash);
        if (!hasDoubleDash)
        {
            // The parser gives a flag it does not know to the command's argument.
            IEnumerable<string> taken = parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(result => result.Tokens).Select(token => token.Value);
            if (taken.Concat(parsed.UnmatchedTokens).FirstOrDefault(LooksLikeFlag) is { } flag)
            {
                string? nearest = NearestName.Of(flag.Split('=')[0], FlagsOf(parsed.CommandResult));
                return $"unknown flag '{flag}' of '{path}'; the nearest is '{nearest}'";
            }
        }

        if (parsed.UnmatchedTokens.Count > 0)
            return $"unexpected '{parsed.UnmatchedTokens[0]}' after '{path}'; put a text of several words in quotation marks";

        foreach (ParseError error in parsed.Errors.OrderBy(error => error.SymbolResult is OptionResult ? 0 : 1))
        {
            if (error.SymbolResult is OptionResult { Tokens.Count: 0 } option)
                return $"{option.Option.Name} of '{path}' lacks its value {option.Option.HelpName}";
            if (error.SymbolResult is OptionResult { Tokens.Count: > 1 } repeated)
                return $"{repeated.Option.Name} of '{path}' is given {repeated.Tokens.Count} times, expected once";
            if (command.Subcommands.Count > 0)
                return $"'{path}' lacks its command: {string.Join(", ", command.Subcommands.Select(c => c.Name))}";
            return error.Message;
        }

        return null;
    }

    private static bool LooksLikeFlag(string word) =>
        word.Length > 1 && word[0] == '-' && (word[1] == '-' || char.IsAsciiLetter(word[1])) && !word.Any(char.IsWhiteSpace);

    private static IEnumerable<string> FlagsOf(CommandResult result)
    {
        IEnumerable<Option> options = result.Command.Options;
        for (SymbolResult? at = result.Parent; at is not null; at = at.Parent)
        {
            if (at is CommandResult parent)
                options = options.Concat(parent.Command.Options.Where(option => option.Recursive));
        }

        return options.Where(option => !option.Hidden).SelectMany(option => option.Aliases.Append(option.Name)).Where(name => name[0] == '-').Distinct();
    }

    private static string PathOf(CommandResult result)
    {
        List<string> names = [];
        for (SymbolResult? at = result; at is CommandResult command; at = at.Parent)
            names.Add(command.Command is RootCommand ? "swarm" : command.Command.Name);
        names.Reverse();
        return string.Join(' ', names);
    }

    private Command Build(CommandDefinition definition)
    {
        Command command = new(definition.Name, definition.Description);
        if (definition.Argument is { } argument)
            command.Arguments.Add(argument);
        foreach (ISetting setting in definition.Settings)
        {
            command.Options.Add(setting.Option);
            Settings.Add(setting);
        }

        foreach (CommandDefinition below in definition.Subcommands)
            command.Subcommands.Add(Build(below));
        // The parser asks for a command below one that has no action.
        if (definition.RunsItself)
            command.SetAction(_ => ExitCode.Done);
        _definitions[command] = definition;
        return command;
    }
}
