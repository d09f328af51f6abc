using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>
/// Names of one frame. Loops (each round anew), macros, blocks and <c>with</c> have a frame of their own, <c>if</c> has not: what is set in it
/// is gone after it, and what is outside can be read, not changed.
/// </summary>
internal sealed class Scope(Scope? parent)
{
    /// <summary>Most frames hold a loop and its variables; a table is not worth its making before there are more.</summary>
    private const int Few = 8;

    private readonly Scope? _parent = parent;
    private (string Name, Value Value)[] _few = [];
    private int _count;
    private Dictionary<string, Value>? _many;

    public Value? Find(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope._parent)
        {
            if (scope.FindHere(name) is { } value)
                return value;
        }

        return null;
    }

    public void Set(string name, Value value)
    {
        if (_many is not null)
        {
            _many[name] = value;
            return;
        }

        int index = Index(name);
        if (index < 0 && _count == Few)
        {
            _many = new Dictionary<string, Value>(StringComparer.Ordinal) { [name] = value };
            foreach ((string known, Value held) in _few.AsSpan(0, _count))
                _many[known] = held;
            return;
        }

        if (index < 0)
        {
            index = _count++;
            if (index == _few.Length)
                Array.Resize(ref _few, index == 0 ? 2 : Few);
        }

        _few[index] = (name, value);
    }

    private Value? FindHere(string name)
    {
        if (_many is not null)
            return _many.GetValueOrDefault(name);
        int index = Index(name);
        return index < 0 ? null : _few[index].Value;
    }

    private int Index(string name)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_few[i].Name == name)
                return i;
        }

        return -1;
    }
}
