using System.Numerics;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>The evaluated arguments of one call.</summary>
internal sealed class Arguments(IReadOnlyList<Value> positional, IReadOnlyList<KeyValuePair<string, Value>> named)
{
    public static readonly Arguments None = new([], []);

    public IReadOnlyList<Value> Positional { get; } = positional;

    public IReadOnlyList<KeyValuePair<string, Value>> Named { get; } = named;

    public Arguments Skip(int count) => new([.. Positional.Skip(count)], Named);

    public Value? Find(string name)
    {
        foreach (KeyValuePair<string, Value> argument in Named)
        {
            if (argument.Key == name)
                return argument.Value;
        }

        return null;
    }

    /// <summary>Arguments by the parameters' names, null where absent. At least the first <paramref name="required"/> must be there.</summary>
    public Value?[] Bind(string function, int required, params ReadOnlySpan<string> names)
    {
        if (Positional.Count > names.Length)
            throw Errors.Type($"{function}() takes at most {names.Length} arguments, got {Positional.Count}");
        var bound = new Value?[names.Length];
        for (int i = 0; i < Positional.Count; i++)
            bound[i] = Positional[i];
        foreach ((string name, Value value) in Named)
        {
            int index = names.IndexOf(name);
            if (index < 0)
                throw Errors.Type($"{function}() got an unexpected keyword argument '{name}'");
            if (bound[index] is not null)
                throw Errors.Type($"{function}() got multiple values for argument '{name}'");
            bound[index] = value;
        }

        for (int i = 0; i < required; i++)
        {
            if (bound[i] is null)
                throw Errors.Type($"{function}() missing argument '{names[i]}'");
        }

        return bound;
    }

    /// <summary>An integer argument; absent or None gives <paramref name="absent"/>. Values beyond int are clamped: no text or list is that long.</summary>
    public static int Int(Value? value, int absent)
    {
        if (value is null or NoneValue)
            return absent;
        BigInteger number = ValueComparer.Integer(value) ?? throw Errors.Expected("an integer", value);
        return (int)BigInteger.Clamp(number, int.MinValue + 1, int.MaxValue);
    }

    public static string Text(Value? value, string absent) => value switch
    {
        null => absent,
        StringValue text => text.Text,
        _ => throw Errors.Expected("a string", value),
    };
}
