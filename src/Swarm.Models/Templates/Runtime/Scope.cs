using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>
/// Names of one frame. Loops (each round anew), macros, blocks and <c>with</c> have a frame of their own, <c>if</c> has not: what is set in it
/// is gone after it, and what is outside can be read, not changed.
/// </summary>
internal sealed class Scope(Scope? parent)
{
    private Dictionary<string, Value>? _names;

    public Scope? Parent { get; } = parent;

    public Value? Find(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._names is not null && scope._names.TryGetValue(name, out Value? value))
                return value;
        }

        return null;
    }

    public void Set(string name, Value value) => (_names ??= new Dictionary<string, Value>(StringComparer.Ordinal))[name] = value;
}
