using System.Numerics;
using System.Runtime.CompilerServices;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>What one rendering has used of its limits, and the clock reading it sees.</summary>
internal sealed class RenderContext(TemplateLimits limits, DateTime now)
{
    private long _steps;
    private int _depth;
    private int _valueDepth;

    public TemplateLimits Limits { get; } = limits;

    public DateTime Now { get; } = now;

    public static TemplateException Limit(string what, long limit) => new(TemplateErrorKind.LimitExceeded, $"{what}: the limit is {limit}");

    public void Charge(long cost = 1)
    {
        _steps += cost;
        if (_steps > Limits.Steps)
            throw Limit("the template takes too many steps", Limits.Steps);
    }

    /// <summary>Called before text of this length is made.</summary>
    public void ChargeText(long chars)
    {
        if (chars > Limits.StringChars)
            throw Limit($"a string of {chars} characters", Limits.StringChars);
        Charge(1 + chars / 16);
    }

    /// <summary>Called before text is added to text that is being made: only what is added costs, and the whole must not pass the limit.</summary>
    public void ChargeAppend(long before, long added)
    {
        if (before + added > Limits.StringChars)
            throw Limit($"a string of {before + added} characters", Limits.StringChars);
        Charge(1 + added / 16);
    }

    /// <summary>Called before text is searched: at worst, every character is compared with every one of what is sought.</summary>
    public void ChargeSearch(long chars, long sought) => Charge(1 + chars / 16 + chars * Math.Min(chars, sought) / 1024);

    /// <summary>Called before a list or mapping of this many elements is made.</summary>
    public void ChargeElements(long count)
    {
        if (count > Limits.Elements)
            throw Limit($"{count} elements", Limits.Elements);
        Charge(1 + count);
    }

    public StringValue Text(string text, bool safe = false)
    {
        ChargeText(text.Length);
        return new StringValue(text, safe);
    }

    public ListValue List(IEnumerable<Value> items, bool isTuple = false)
    {
        var list = new List<Value>();
        foreach (Value item in items)
        {
            Charge();
            if (list.Count == Limits.Elements)
                throw Limit("a list", Limits.Elements);
            list.Add(item);
        }

        return new ListValue(list, isTuple);
    }

    public IntValue Integer(BigInteger number) => number.GetBitLength() <= Limits.IntegerBits
        ? new IntValue(number)
        : throw Limit($"an integer of {number.GetBitLength()} bits", Limits.IntegerBits);

    /// <summary>One level deeper; paired with <see cref="Leave"/>. The stack itself is asked too, whatever the limit says.</summary>
    public void Enter()
    {
        Charge();
        if (++_depth > Limits.Depth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Limit("nesting while rendering", Limits.Depth);
    }

    public void Leave() => _depth--;

    /// <summary>One level deeper in a value that is printed, compared or converted.</summary>
    public void EnterValue()
    {
        Charge();
        if (++_valueDepth > Limits.ValueDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Limit("nesting of lists and mappings", Limits.ValueDepth);
    }

    public void LeaveValue() => _valueDepth--;
}
