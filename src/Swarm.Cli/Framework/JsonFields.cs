using System.Text.Json;
using Swarm.Models;

namespace Swarm.Cli.Framework;

/// <summary>Shapes that several events share.</summary>
internal static class JsonFields
{
    /// <summary>A number, or null where JSON has none (NaN, infinities).</summary>
    public static void WriteFinite(this Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
            json.WriteNumber(name, value);
        else
            json.WriteNull(name);
    }

    /// <summary>[start, end].</summary>
    public static void WriteBlocks(this Utf8JsonWriter json, string name, BlockSpan span)
    {
        json.WriteStartArray(name);
        json.WriteNumberValue(span.Start);
        json.WriteNumberValue(span.End);
        json.WriteEndArray();
    }

    public static void WriteIntegers(this Utf8JsonWriter json, string name, ReadOnlySpan<int> values)
    {
        json.WriteStartArray(name);
        foreach (int value in values)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }
}
