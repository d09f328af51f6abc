using Swarm.Models.Templates.Runtime;

namespace Swarm.Models.Templates.Values;

/// <summary>Something a template can call: a global function, a bound method, a macro.</summary>
internal class CallableValue(string name, Func<Arguments, Value> body, string typeName = "builtin_function_or_method") : Value
{
    public string Name { get; } = name;

    public override string TypeName => typeName;

    public Value Call(Arguments arguments) => body(arguments);

    /// <summary>Attributes beyond being called, or null.</summary>
    public Func<string, Value?>? Attributes { get; init; }
}
