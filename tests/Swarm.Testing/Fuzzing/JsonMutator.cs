using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Swarm.Testing.Fuzzing;

/// <summary>
/// Changes the tree of a JSON text and writes it again, so that the parser behind the JSON reader is reached: other values, other types, members dropped,
/// doubled, renamed and exchanged, deep nesting. A frame for JSON inside of another format wraps it.
/// </summary>
public sealed class JsonMutator : IFuzzMutator
{
    private static readonly string[] Values =
    [
        "0", "1", "-1", "2", "3", "64", "255", "256", "65536", "2147483647", "2147483648", "-2147483648", "4294967296", "9223372036854775807", "1e300", "-1e-300", "0.5",
        "1e999", "true", "false", "null", "\"\"", "\"x\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "{}", "[[[[[]]]]]", "[null]", "{\"type\":\"x\"}", "\"(((((a+)+)+)+)+\"", "18446744073709551615",
        "123456789012345678901234567890",
    ];

    /// <summary>Takes the JSON out of a seed; by default the seed is JSON.</summary>
    public Func<byte[], byte[]> Unwrap { get; init; } = seed => seed;

    /// <summary>Puts changed JSON back in its frame; by default there is none.</summary>
    public Func<byte[], byte[], byte[]> Wrap { get; init; } = (_, json) => json;

    public byte[] Mutate(FuzzRandom random, IReadOnlyList<byte[]> seeds)
    {
        byte[] seed = random.Pick(seeds);
        JsonNode root = JsonNode.Parse(Unwrap(seed))!;
        for (int changes = 1 + random.Next(3); changes > 0; changes--)
            Change(random, root);
        var text = new StringBuilder();
        Write(text, root);
        return Wrap(seed, Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static void Change(FuzzRandom random, JsonNode root)
    {
        List<JsonNode> containers = [.. Containers(root)];
        JsonNode place = random.Pick(containers);
        if (place is JsonArray array)
            Change(random, array, containers);
        else
            Change(random, (JsonObject)place, containers);
    }

    private static void Change(FuzzRandom random, JsonArray array, List<JsonNode> containers)
    {
        int at = random.Next(array.Count);
        switch (random.Next(5))
        {
            case 0 when array.Count > 0:
                array.RemoveAt(at);
                break;
            case 1 when array.Count > 0:
                array.Insert(random.Next(array.Count), array[at]?.DeepClone());
                break;
            case 2:
                array.Insert(at, Value(random, containers));
                break;
            case 3 when array.Count > 0:
                array[at] = Near(random, array[at], containers);
                break;
            default:
                if (array.Count > 0)
                    array[at] = Value(random, containers);
                break;
        }
    }

    private static void Change(FuzzRandom random, JsonObject place, List<JsonNode> containers)
    {
        List<string> names = [.. place.Select(member => member.Key)];
        if (names.Count == 0)
        {
            place["x"] = Value(random, containers);
            return;
        }

        string name = random.Pick(names);
        JsonNode? old = place[name];
        switch (random.Next(7))
        {
            case 0:
                place.Remove(name);
                break;
            case 1:
                place.Remove(name);
                place[name + "x"] = old;
                break;
            case 2:
                string other = random.Pick(names);
                (place[name], place[other]) = (place[other]?.DeepClone(), old?.DeepClone());
                break;
            case 3 or 4:
                place[name] = Near(random, old, containers);
                break;
            default:
                place[name] = Value(random, containers);
                break;
        }
    }

    /// <summary>A value of the same type, near the old one.</summary>
    private static JsonNode? Near(FuzzRandom random, JsonNode? old, List<JsonNode> containers)
    {
        if (old is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue(out long number))
            return JsonValue.Create(random.Next(4) switch { 0 => unchecked(number + 1), 1 => unchecked(number - 1), 2 => unchecked(-number), _ => unchecked(number * 2) });
        if (old is not JsonValue text || text.GetValueKind() != JsonValueKind.String || Text(text) is not { } content)
            return Value(random, containers);
        int at = random.Next(content.Length);
        return JsonValue.Create(random.Next(5) switch
        {
            0 => content[..at],
            1 => content.Insert(at, ((char)(' ' + random.Next(95))).ToString()),
            2 => content + content,
            3 => content.Length > 0 ? content.Remove(at, 1) : content,
            _ => string.Concat(content.AsSpan(0, at), "\u00e9\ud83d\ude42(", content.AsSpan(at)),
        });
    }

    private static JsonNode? Value(FuzzRandom random, List<JsonNode> containers)
    {
        if (random.Chance(20))
            return random.Pick(containers).DeepClone();
        if (!random.Chance(3))
            return JsonNode.Parse(random.Pick(Values));
        int depth = 1 + random.Next(60);
        return JsonNode.Parse(new string('[', depth) + new string(']', depth));
    }

    /// <summary>The text of a string, or null where it is half a surrogate pair, which the library's strings refuse.</summary>
    private static string? Text(JsonValue value)
    {
        try
        {
            return value.GetValue<string>();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The library's own writer refuses what a broken file may well hold.</summary>
    private static void Write(StringBuilder text, JsonNode? node)
    {
        switch (node)
        {
            case null:
                text.Append("null");
                break;
            case JsonArray array:
                text.Append('[');
                for (int i = 0; i < array.Count; i++)
                {
                    text.Append(i == 0 ? "" : ",");
                    Write(text, array[i]);
                }

                text.Append(']');
                break;
            case JsonObject members:
                text.Append('{');
                bool first = true;
                foreach ((string name, JsonNode? value) in members)
                {
                    text.Append(first ? "" : ",");
                    first = false;
                    WriteString(text, name);
                    text.Append(':');
                    Write(text, value);
                }

                text.Append('}');
                break;
            default:
                JsonValue scalar = node.AsValue();
                if (scalar.TryGetValue(out JsonElement element))
                    text.Append(element.GetRawText());
                else if (scalar.GetValueKind() == JsonValueKind.String)
                    WriteString(text, scalar.GetValue<string>());
                else
                    text.Append(scalar.ToJsonString());
                break;
        }
    }

    private static void WriteString(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (char c in value)
        {
            if (c is '"' or '\\')
                text.Append('\\').Append(c);
            else if (c < ' ' || char.IsSurrogate(c))
                text.Append("\\u").Append(((int)c).ToString("x4", System.Globalization.CultureInfo.InvariantCulture));
            else
                text.Append(c);
        }

        text.Append('"');
    }

    private static IEnumerable<JsonNode> Containers(JsonNode root)
    {
        var open = new Stack<JsonNode>([root]);
        while (open.TryPop(out JsonNode? node))
        {
            if (node is not (JsonArray or JsonObject))
                continue;
            yield return node;
            foreach (JsonNode? child in node is JsonArray array ? array : ((JsonObject)node).Select(member => member.Value))
            {
                if (child is not null)
                    open.Push(child);
            }
        }
    }
}
