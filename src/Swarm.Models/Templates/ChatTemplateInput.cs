using System.Text.Json;

namespace Swarm.Models.Templates;

/// <summary>What a chat template sees. JSON is taken as it is: the order of members is kept, integers and floats stay apart.</summary>
public sealed record ChatTemplateInput
{
    /// <summary>
    /// Array of messages. Where it is given, the names <c>messages</c>, <c>tools</c>, <c>documents</c> (null when absent) and
    /// <c>add_generation_prompt</c> exist. Where it is null, only <see cref="Variables"/> exist.
    /// </summary>
    public JsonElement? Messages { get; init; }

    public JsonElement? Tools { get; init; }

    public JsonElement? Documents { get; init; }

    /// <summary>Further names; they win over all others.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Variables { get; init; }

    /// <summary>Whether the text ends with what opens the assistant's next answer.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>Whether the text ends inside the last message, so that generation continues it. Excludes <see cref="AddGenerationPrompt"/>, which is then not applied.</summary>
    public bool ContinueFinalMessage { get; init; }

    /// <summary>Text of the tokens; null leaves the name undefined.</summary>
    public string? BosToken { get; init; }

    /// <inheritdoc cref="BosToken"/>
    public string? EosToken { get; init; }

    /// <summary>What <c>strftime_now</c> sees, as the clock on the wall of <see cref="DateTimeOffset.DateTime"/>.</summary>
    public DateTimeOffset Now { get; init; }
}
