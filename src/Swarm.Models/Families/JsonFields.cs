using System.Text.Json;

namespace Swarm.Models.Families;

/// <summary>Fields of a JSON object, read with their ranges. A field that is null counts as absent.</summary>
internal readonly struct JsonFields(JsonElement element, string path, params JsonElement[] others)
{
    public string Path => path;

    public bool Has(string name) => TryFind(name, out _);

    /// <summary>The first of these names that is there, or the first of all.</summary>
    public string First(string[] names)
    {
        foreach (string name in names)
        {
            if (Has(name))
                return name;
        }

        return names[0];
    }

    public int Integer(string name, int least, int most, int? fallback = null)
    {
        if (!TryFind(name, out JsonElement value))
            return fallback ?? throw Missing(name, "an integer");
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out long number) || number < least || number > most)
            throw Wrong(name, value, $"an integer from {least} to {most}");
        return (int)number;
    }

    public float Number(string name, float least, float most, float? fallback = null)
    {
        if (!TryFind(name, out JsonElement value))
            return fallback ?? throw Missing(name, "a number");
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number) || !((float)number >= least && (float)number <= most))
            throw Wrong(name, value, $"a number from {least} to {most}");
        return (float)number;
    }

    public bool Flag(string name, bool fallback)
    {
        if (!TryFind(name, out JsonElement value))
            return fallback;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(name, value, "true or false");
    }

    public string Text(string name, string? fallback = null)
    {
        if (!TryFind(name, out JsonElement value))
            return fallback ?? throw Missing(name, "a string");
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(name, value, "a string");
    }

    public JsonFields? Object(string name)
    {
        if (!TryFind(name, out JsonElement value))
            return null;
        return value.ValueKind == JsonValueKind.Object ? new JsonFields(value, $"{path}: {name}") : throw Wrong(name, value, "an object");
    }

    /// <summary>A list of numbers of a known length.</summary>
    public float[] Numbers(string name, int count, float least, float most)
    {
        if (!TryFind(name, out JsonElement value))
            throw Missing(name, $"{count} numbers");
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() != count)
            throw Wrong(name, value, $"{count} numbers");
        var numbers = new float[count];
        int i = 0;
        foreach (JsonElement item in value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetDouble(out double number) || !((float)number >= least && (float)number <= most))
                throw Wrong(name, item, $"numbers from {least} to {most}");
            numbers[i++] = (float)number;
        }

        return numbers;
    }

    /// <summary>A list of words; null where there is none.</summary>
    public string[]? Words(string name)
    {
        if (!TryFind(name, out JsonElement value))
            return null;
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
            throw Wrong(name, value, "a list of words");
        return [.. value.EnumerateArray().Select(item => item.GetString()!)];
    }

    /// <summary>Token ids given as one number or as a list.</summary>
    public int[] TokenIds(string name, int vocabulary)
    {
        if (!TryFind(name, out JsonElement value))
            return [];
        JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        var ids = new int[items.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            if (items[i].ValueKind != JsonValueKind.Number || !items[i].TryGetInt32(out ids[i]) || ids[i] < 0 || ids[i] >= vocabulary)
                throw Wrong(name, items[i], $"token ids from 0 to {vocabulary - 1}");
        }

        return ids;
    }

    /// <summary>A list of integers; empty where it is absent.</summary>
    public int[] Integers(string name, int least, int most)
    {
        if (!TryFind(name, out JsonElement value))
            return [];
        if (value.ValueKind != JsonValueKind.Array)
            throw Wrong(name, value, "a list");
        var numbers = new int[value.GetArrayLength()];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (value[i].ValueKind != JsonValueKind.Number || !value[i].TryGetInt32(out numbers[i]) || numbers[i] < least || numbers[i] > most)
                throw Wrong(name, value[i], $"integers from {least} to {most}");
        }

        return numbers;
    }

    /// <summary>The field is there and says that there is nothing.</summary>
    public bool IsNull(string name) => element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Null;

    /// <summary>The same object with others in which a field is looked up where this one lacks it, in turn.</summary>
    public JsonFields With(params JsonElement[] more) => new(element, path, [.. others ?? [], .. more]);

    /// <summary>The same, with another object's fields.</summary>
    public JsonFields With(JsonFields other) => With(other.Element);

    private JsonElement Element => element;

    private bool TryFind(string name, out JsonElement value)
    {
        if (element.TryGetProperty(name, out value))
            return value.ValueKind != JsonValueKind.Null;
        foreach (JsonElement other in others ?? [])
        {
            if (other.TryGetProperty(name, out value))
                return value.ValueKind != JsonValueKind.Null;
        }

        return false;
    }

    private ModelException Missing(string name, string expected) =>
        new(ModelError.CorruptModel, $"{path}: {name} is missing, expected {expected}");

    private ModelException Wrong(string name, JsonElement value, string expected)
    {
        string seen = value.GetRawText();
        if (seen.Length > 80)
            seen = seen[..80] + "…";
        return new ModelException(ModelError.CorruptModel, $"{path}: {name} = {seen}, expected {expected}");
    }
}
