using System.Text.Json;

namespace Swarm.Models.Families;

/// <summary>Fields of a JSON object, read with their ranges. A field that is null counts as absent.</summary>
internal readonly struct JsonFields(JsonElement element, string path)
{
    public string Path => path;

    public bool Has(string name) => TryFind(name, out _);

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

    private bool TryFind(string name, out JsonElement value) =>
        element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

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
