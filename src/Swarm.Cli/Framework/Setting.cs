using System.CommandLine;

namespace Swarm.Cli.Framework;

/// <summary>
/// One value that people set: by flag, else by <c>SWARM_*</c> environment variable, else by a key of swarm.json, else the default.
/// All three are read by the same parser, so that a mistake reads the same wherever it was made.
/// </summary>
internal sealed class Setting<T> : ISetting
{
    private readonly Func<string, T> _parse;
    private readonly Option<string?>? _valueOption;
    private readonly Option<bool>? _switchOption;

    /// <param name="name">Without dashes, words joined by dashes.</param>
    /// <param name="parse">Throws <see cref="FormatException"/> whose message says what was expected.</param>
    /// <param name="inputOnly">The value belongs to one call (a text, a file): neither environment nor file may give it.</param>
    /// <param name="hidden">Left out of help.</param>
    public Setting(string name, string valueName, string description, Func<string, T> parse, T fallback, bool inputOnly = false, bool hidden = false)
        : this(name, parse, fallback, inputOnly)
    {
        _valueOption = new Option<string?>(Flag)
        {
            Description = description,
            HelpName = valueName,
            Hidden = hidden,
            Arity = ArgumentArity.ExactlyOne,
        };
    }

    private Setting(string name, Func<string, T> parse, T fallback, bool inputOnly)
    {
        Flag = "--" + name;
        Default = fallback;
        _parse = parse;
        if (inputOnly)
            return;
        EnvironmentName = "SWARM_" + name.Replace('-', '_').ToUpperInvariant();
        ConfigKey = CamelCase(name);
    }

    private Setting(string name, string description, bool inputOnly, bool hidden, Func<string, T> parse, T fallback)
        : this(name, parse, fallback, inputOnly)
    {
        _switchOption = new Option<bool>(Flag) { Description = description, Hidden = hidden, Arity = ArgumentArity.Zero };
    }

    public string Flag { get; }

    public string? EnvironmentName { get; }

    public string? ConfigKey { get; }

    public T Default { get; }

    public Option Option => (Option?)_valueOption ?? _switchOption!;

    /// <summary>A flag that is there or not.</summary>
    public static Setting<bool> Switch(string name, string description, bool inputOnly = false, bool hidden = false) =>
        new(name, description, inputOnly, hidden, Values.Boolean, false);

    /// <summary>True when the flag itself stands on the command line.</summary>
    public bool IsOnCommandLine(ParseResult parsed) => parsed.GetResult(Option) is { Implicit: false };

    /// <summary>True when flag, environment or file gives it: what <see cref="Resolve"/> answers is not the default.</summary>
    public bool IsGiven(ParseResult parsed, Func<string, string?> environment, ConfigFile config) =>
        IsOnCommandLine(parsed) || (EnvironmentName is not null && environment(EnvironmentName) is { Length: > 0 }) || (ConfigKey is not null && config.TryGet(ConfigKey) is not null);

    public T Resolve(ParseResult parsed, Func<string, string?> environment, ConfigFile config)
    {
        if (IsOnCommandLine(parsed))
            return _switchOption is null ? Parse(parsed.GetValue(_valueOption!) ?? "", Flag) : Parse("true", Flag);
        if (EnvironmentName is not null && environment(EnvironmentName) is { Length: > 0 } fromEnvironment)
            return Parse(fromEnvironment, EnvironmentName);
        if (ConfigKey is not null && config.TryGet(ConfigKey) is { } fromFile)
            return Parse(fromFile, $"{ConfigKey} in {config.PlaceOf(ConfigKey)}");
        return Default;
    }

    public void Check(ParseResult parsed, Func<string, string?> environment, ConfigFile config) => Resolve(parsed, environment, config);

    private static string CamelCase(string name)
    {
        string[] words = name.Split('-');
        return words[0] + string.Concat(words.Skip(1).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
    }

    private T Parse(string text, string where)
    {
        try
        {
            return _parse(text);
        }
        catch (FormatException e)
        {
            throw new UsageException($"{where}: '{text}', expected {e.Message}");
        }
    }
}
