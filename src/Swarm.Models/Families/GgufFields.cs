using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>Metadata of a GGUF file that describes a model, read with its ranges; names are without the architecture's prefix.</summary>
internal readonly struct GgufFields(GgufMetadata metadata, string architecture, string path)
{
    public string Path => path;

    public GgufMetadata Metadata => metadata;

    public bool Has(string name) => metadata.TypeOf(Key(name)) is not null;

    public int Integer(string name, int least, int most, int? fallback = null)
    {
        string key = Key(name);
        if (metadata.TypeOf(key) is not { } type)
            return fallback ?? throw Missing(key, "an integer");
        if (!metadata.TryGetInteger(key, out long value))
            throw Wrong(key, type.ToString(), "an integer");
        if (value < least || value > most)
            throw Wrong(key, value.ToString(System.Globalization.CultureInfo.InvariantCulture), $"{least} to {most}");
        return (int)value;
    }

    public float Number(string name, float least, float most, float? fallback = null)
    {
        string key = Key(name);
        if (metadata.TypeOf(key) is not { } type)
            return fallback ?? throw Missing(key, "a number");
        if (!metadata.TryGetNumber(key, out double value))
            throw Wrong(key, type.ToString(), "a number");
        if (!((float)value >= least && (float)value <= most))
            throw Wrong(key, value.ToString(System.Globalization.CultureInfo.InvariantCulture), $"{least} to {most}");
        return (float)value;
    }

    public bool Flag(string name, bool fallback)
    {
        string key = Key(name);
        if (metadata.TypeOf(key) is not { } type)
            return fallback;
        return metadata.TryGetBool(key, out bool value) ? value : throw Wrong(key, type.ToString(), "true or false");
    }

    /// <summary>Truth values, one for each block; null where there are none or a single number stands in their place.</summary>
    public bool[]? Flags(string name, int blocks)
    {
        string key = Key(name);
        if (metadata.TypeOf(key) is null || metadata.TryGetInteger(key, out _))
            return null;
        return metadata.TryGetBools(key, out bool[] values) && values.Length == blocks
            ? values
            : throw Wrong(key, "another value", $"a number, or {blocks} truth values");
    }

    public string Text(string name, string fallback)
    {
        string key = Key(name);
        if (metadata.TypeOf(key) is not { } type)
            return fallback;
        return metadata.TryGetString(key, out string value) ? value : throw Wrong(key, type.ToString(), "a string");
    }

    /// <summary>A token id of the tokenizer's part, or null where there is none.</summary>
    public int? TokenId(string key, int vocabulary)
    {
        if (metadata.TypeOf(key) is null)
            return null;

        // Some files write 2^32 − 1 or −1 for none.
        if (!metadata.TryGetInteger(key, out long id) || id < -1 || id > uint.MaxValue)
            throw Wrong(key, "another value", $"a token id from 0 to {vocabulary - 1}");
        return id >= 0 && id < vocabulary ? (int)id : null;
    }

    private string Key(string name) => $"{architecture}.{name}";

    private ModelException Missing(string key, string expected) =>
        new(ModelError.CorruptModel, $"{path}: {key} is missing, expected {expected}");

    private ModelException Wrong(string key, string seen, string expected) =>
        new(ModelError.CorruptModel, $"{path}: {key} = {seen}, expected {expected}");
}
