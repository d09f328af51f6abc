using System.Text.Json;

namespace Swarm.Testing.Processes;

/// <summary>What a run of the program left: its status and everything that it said.</summary>
public sealed record SwarmResult(int ExitCode, string Output, string Error)
{
    /// <summary>The lines of stdout, each with its time.</summary>
    public IReadOnlyList<OutputLine> Lines { get; init; } = [];

    /// <summary>The events of a run with <c>--json</c>; fails when a line is not one.</summary>
    public IReadOnlyList<JsonElement> ParseEvents() =>
        [.. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(ParseEvent)];

    /// <summary>The last event.</summary>
    public JsonElement Last() => ParseEvents() is [.., var last] ? last : throw new InvalidOperationException($"no event; stderr: {Error}");

    internal static JsonElement ParseEvent(string line)
    {
        try
        {
            JsonElement json = JsonElement.Parse(line);
            return json.ValueKind == JsonValueKind.Object && json.TryGetProperty("event", out _)
                ? json
                : throw new InvalidOperationException($"not an event: {line}");
        }
        catch (JsonException e)
        {
            throw new InvalidOperationException($"not JSON: {line}", e);
        }
    }
}
