using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>JSON to values, as Python's <c>json</c> reads it: order kept, 1 an integer, 1.0 and 1e3 floats, the last of equal keys wins.</summary>
internal static class JsonInput
{
    public static Value Convert(RenderContext context, JsonElement element)
    {
        context.Charge();
        switch (element.ValueKind)
        {
            case JsonValueKind.True or JsonValueKind.False:
                return BoolValue.Of(element.GetBoolean());
            case JsonValueKind.Number:
                return Number(context, element.GetRawText());
            case JsonValueKind.String:
                return context.Text(Text(element));
            case JsonValueKind.Array:
                context.EnterValue();
                context.ChargeElements(element.GetArrayLength());
                var items = new List<Value>(element.GetArrayLength());
                foreach (JsonElement item in element.EnumerateArray())
                    items.Add(Convert(context, item));
                context.LeaveValue();
                return new ListValue(items);
            case JsonValueKind.Object:
                context.EnterValue();
                DictValue dict = Object(context, element);
                context.LeaveValue();
                return dict;
            default:
                return NoneValue.Instance;
        }
    }

    private static DictValue Object(RenderContext context, JsonElement element)
    {
        var entries = new OrderedDictionary<Value, Value>(ValueComparer.Instance);
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (entries.Count == context.Limits.Elements)
                throw RenderContext.Limit("a mapping", context.Limits.Elements);
            entries[context.Text(Name(property))] = Convert(context, property.Value);
        }

        return new DictValue(entries);
    }

    private static Value Number(RenderContext context, string text)
    {
        if (text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0)
            return new FloatValue(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture));
        if (text.Length > context.Limits.IntegerBits / 4)
            throw RenderContext.Limit($"an integer of {text.Length} digits", context.Limits.IntegerBits / 4);
        return new IntValue(BigInteger.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
    }

    private static string Text(JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new TemplateException(TemplateErrorKind.InvalidInput, "a JSON string is not valid Unicode: half of a surrogate pair, or bytes that are not UTF-8");
        }
    }

    private static string Name(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw new TemplateException(TemplateErrorKind.InvalidInput, "a JSON member's name is not valid Unicode: half of a surrogate pair, or bytes that are not UTF-8");
        }
    }
}
