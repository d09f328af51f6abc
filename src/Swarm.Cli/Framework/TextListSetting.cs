using System.CommandLine;

namespace Swarm.Cli.Framework;

/// <summary>A flag that may be given several times; each time adds one text. Only the command line gives it.</summary>
internal sealed class TextListSetting : ISetting
{
    private readonly Option<string[]> _option;

    public TextListSetting(string name, string valueName, string description)
    {
        Flag = "--" + name;
        _option = new Option<string[]>(Flag)
        {
            Description = description,
            HelpName = valueName,
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
    }

    public string Flag { get; }

    public string? ConfigKey => null;

    public Option Option => _option;

    public void Check(ParseResult parsed, Func<string, string?> environment, ConfigFile config)
    {
        // Any text is one.
    }

    public IReadOnlyList<string> Resolve(ParseResult parsed) => parsed.GetValue(_option) ?? [];
}
