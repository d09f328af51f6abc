using System.Text.Json;
using Swarm.Cli.Framework;

namespace Swarm.Cli.Tokenizing;

/// <summary>What a line of <c>tokenize --lines</c> comes to: text and ids, or why not.</summary>
internal sealed record LineAnswer(string? Text, int[]? Ids, string? ErrorKind = null, string? ErrorMessage = null)
{
    public void WriteTo(Utf8JsonWriter json)
    {
        if (ErrorKind is not null)
        {
            json.WriteStartObject("error");
            json.WriteString("kind", ErrorKind);
            json.WriteString("message", ErrorMessage);
            json.WriteEndObject();
            return;
        }

        json.WriteString("text", Text);
        if (Ids is not null)
            json.WriteIntegers("ids", Ids);
    }
}
