using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>The <c>loop</c> of a for statement. It looks one element ahead, and reads all only when a length is asked of what has none.</summary>
internal sealed class LoopValue(RenderContext context, IEnumerable<Value> source, int? length, int depth0, Func<Value, int, Value>? recurse) : Value
{
    private IEnumerator<Value> _source = source.GetEnumerator();
    private int? _length = length;
    private Value? _current;
    private Value? _previous;
    private Value? _next;
    private ListValue? _lastChanged;

    public int Index0 { get; private set; } = -1;

    public override string TypeName => "LoopContext";

    public int Length
    {
        get
        {
            if (_length is null)
            {
                ListValue rest = context.List(Remaining());
                _length = rest.Items.Count + Index0 + 1 + (_next is null ? 0 : 1);
                _source = rest.Items.GetEnumerator();
            }

            return _length.Value;
        }
    }

    public Value Current => _current!;

    public bool MoveNext()
    {
        Value? next = Peek();
        if (next is null)
            return false;
        _next = null;
        Index0++;
        (_previous, _current) = (_current, next);
        return true;
    }

    private Value? Peek()
    {
        if (_next is null && _source.MoveNext())
            _next = _source.Current;
        return _next;
    }

    private IEnumerable<Value> Remaining()
    {
        while (_source.MoveNext())
            yield return _source.Current;
    }

    /// <summary>Iterating the loop object itself goes on where the loop is, in pairs of the element and the loop.</summary>
    public IEnumerable<Value> Rest()
    {
        while (MoveNext())
            yield return new ListValue([Current, this], isTuple: true);
    }

    public Value? Attribute(string name) => name switch
    {
        "index0" => new IntValue(Index0),
        "index" => new IntValue(Index0 + 1),
        "first" => BoolValue.Of(Index0 == 0),
        "last" => BoolValue.Of(Peek() is null),
        "length" => new IntValue(Length),
        "revindex" => new IntValue(Length - Index0),
        "revindex0" => new IntValue(Length - Index0 - 1),
        "depth" => new IntValue(depth0 + 1),
        "depth0" => new IntValue(depth0),
        "previtem" => Index0 == 0 ? new UndefinedValue("there is no previous item") : _previous,
        "nextitem" => Peek() ?? new UndefinedValue("there is no next item"),
        "cycle" => new CallableValue(name, Cycle),
        "changed" => new CallableValue(name, Changed),
        _ => null,
    };

    public Value Call(Arguments arguments) => recurse is null
        ? throw Errors.Type("The loop must have the 'recursive' marker to be called recursively.")
        : recurse(arguments.Bind("loop", 1, "iterable")[0]!, depth0 + 1);

    private Value Cycle(Arguments arguments) => arguments.Positional.Count == 0
        ? throw Errors.Type("no items for cycling given")
        : arguments.Positional[Index0 % arguments.Positional.Count];

    private BoolValue Changed(Arguments arguments)
    {
        var now = new ListValue(arguments.Positional, isTuple: true);
        if (_lastChanged is not null && Operators.Equal(context, _lastChanged, now))
            return BoolValue.False;
        _lastChanged = now;
        return BoolValue.True;
    }
}
