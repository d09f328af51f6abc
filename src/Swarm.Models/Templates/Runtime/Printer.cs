using System.Globalization;
using System.Text;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>Values to text: Python's <c>str</c> and <c>repr</c>.</summary>
internal static class Printer
{
    /// <summary>What <c>{{ value }}</c> prints.</summary>
    public static string Str(RenderContext context, Value value)
    {
        switch (value)
        {
            case StringValue text:
                return text.Text;
            case UndefinedValue:
                return "";
            default:
                var result = new StringBuilder();
                AppendRepr(context, result, value);
                return result.ToString();
        }
    }

    public static string Repr(RenderContext context, Value value)
    {
        var result = new StringBuilder();
        AppendRepr(context, result, value);
        return result.ToString();
    }

    public static void AppendRepr(RenderContext context, StringBuilder result, Value value)
    {
        context.Charge();
        switch (value)
        {
            case NoneValue:
                result.Append("None");
                break;
            case BoolValue flag:
                result.Append(flag.Flag ? "True" : "False");
                break;
            case IntValue number:
                result.Append(number.Number.ToString(CultureInfo.InvariantCulture));
                break;
            case FloatValue number:
                result.Append(PyNumber.Repr(number.Number));
                break;
            case StringValue text:
                context.ChargeAppend(result.Length, text.Text.Length);
                if (text.Safe)
                    result.Append("Markup(");
                PyText.AppendRepr(result, text.Text);
                if (text.Safe)
                    result.Append(')');
                break;
            case UndefinedValue:
                result.Append("Undefined");
                break;
            case RangeValue range:
                result.Append(CultureInfo.InvariantCulture, $"range({range.Start}, {range.Stop}");
                result.Append(range.Step.IsOne ? ")" : string.Create(CultureInfo.InvariantCulture, $", {range.Step})"));
                break;
            case CallableValue callable:
                result.Append(callable is { TypeName: "Macro", Name: "" } ? "<Macro anonymous>" : $"<{callable.TypeName} '{callable.Name}'>");
                break;
            case LoopValue loop:
                result.Append(CultureInfo.InvariantCulture, $"<LoopContext {loop.Index0 + 1}/{loop.Length}>");
                break;
            case IteratorValue:
                result.Append(CultureInfo.InvariantCulture, $"<{value.TypeName} object>");
                break;
            default:
                AppendContainer(context, result, value);
                break;
        }

        if (result.Length > context.Limits.StringChars)
            throw RenderContext.Limit("a string", context.Limits.StringChars);
    }

    private static void AppendContainer(RenderContext context, StringBuilder result, Value value)
    {
        context.EnterValue();
        switch (value)
        {
            case ListValue list:
                result.Append(list.IsTuple ? '(' : '[');
                AppendItems(context, result, list.Items);
                if (list.IsTuple && list.Items.Count == 1)
                    result.Append(',');
                result.Append(list.IsTuple ? ')' : ']');
                break;
            case DictValue dict:
                AppendDict(context, result, dict);
                break;
            case DictViewValue view:
                result.Append(view.TypeName).Append("([");
                AppendItems(context, result, Sequences.Iterate(context, view));
                result.Append("])");
                break;
            case NamespaceValue space:
                result.Append("<Namespace {");
                foreach ((string name, Value attribute) in space.Attributes)
                {
                    if (result[^1] != '{')
                        result.Append(", ");
                    PyText.AppendRepr(result, name);
                    result.Append(": ");
                    AppendRepr(context, result, attribute);
                }

                result.Append("}>");
                break;
        }

        context.LeaveValue();
    }

    private static void AppendItems(RenderContext context, StringBuilder result, IEnumerable<Value> items)
    {
        bool first = true;
        foreach (Value item in items)
        {
            if (!first)
                result.Append(", ");
            first = false;
            AppendRepr(context, result, item);
        }
    }

    private static void AppendDict(RenderContext context, StringBuilder result, DictValue dict)
    {
        result.Append('{');
        bool first = true;
        foreach ((Value key, Value item) in dict.Entries)
        {
            if (!first)
                result.Append(", ");
            first = false;
            AppendRepr(context, result, key);
            result.Append(": ");
            AppendRepr(context, result, item);
        }

        result.Append('}');
    }
}
