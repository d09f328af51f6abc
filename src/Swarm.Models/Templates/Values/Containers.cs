using System.Numerics;

namespace Swarm.Models.Templates.Values;

/// <summary>A list or, with <paramref name="isTuple"/>, a tuple. Never changed once a template can see it.</summary>
internal sealed class ListValue(IReadOnlyList<Value> items, bool isTuple = false) : Value
{
    public IReadOnlyList<Value> Items { get; } = items;

    public bool IsTuple { get; } = isTuple;

    public override string TypeName => IsTuple ? "tuple" : "list";
}

/// <summary>A mapping that keeps the order of insertion. Keys are compared as Python does: 1, 1.0 and true are one key.</summary>
internal sealed class DictValue(OrderedDictionary<Value, Value> entries) : Value
{
    public OrderedDictionary<Value, Value> Entries { get; } = entries;

    public override string TypeName => "dict";

    public Value? Find(string key) => Entries.TryGetValue(new StringValue(key), out Value? value) ? value : null;
}

/// <summary>What <c>dict.keys()</c>, <c>.values()</c> and <c>.items()</c> give: it has a length, but is not indexed.</summary>
internal sealed class DictViewValue(DictValue source, DictViewKind kind) : Value
{
    public DictValue Source { get; } = source;

    public DictViewKind Kind { get; } = kind;

    public override string TypeName => Kind switch { DictViewKind.Keys => "dict_keys", DictViewKind.Values => "dict_values", _ => "dict_items" };
}

internal enum DictViewKind
{
    Keys,
    Values,
    Items,
}

internal sealed class RangeValue(BigInteger start, BigInteger stop, BigInteger step, int count) : Value
{
    public BigInteger Start { get; } = start;

    public BigInteger Stop { get; } = stop;

    public BigInteger Step { get; } = step;

    public int Count { get; } = count;

    public override string TypeName => "range";

    public IntValue At(int index) => new(Start + Step * index);
}

/// <summary>A sequence that is computed as it is read, once: what <c>map</c>, <c>select</c> and their kin give. Always true, has no length.</summary>
internal sealed class IteratorValue(IEnumerator<Value> source, string typeName = "generator") : Value
{
    public IEnumerator<Value> Source { get; } = source;

    public override string TypeName => typeName;
}

/// <summary>The one kind of object whose attributes a template may set.</summary>
internal sealed class NamespaceValue(OrderedDictionary<string, Value> attributes) : Value
{
    public OrderedDictionary<string, Value> Attributes { get; } = attributes;

    public override string TypeName => "Namespace";
}
