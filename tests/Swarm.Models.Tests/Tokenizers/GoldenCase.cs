using System.Text.Json;

namespace Swarm.Models.Tests.Tokenizers;

/// <summary>One case of a golden file; members that the file leaves out are filled in as its README says.</summary>
internal sealed record GoldenCase(string Text, int[] Ids, int[] IdsSpecial, string Decoded, string DecodedSpecial, string? DecodedSkip, int[]? Stream)
{
    public static GoldenCase Read(JsonElement e) => Read(e, knowsSkip: true);

    public static GoldenCase Read(JsonElement e, bool knowsSkip)
    {
        string text = e.GetProperty("text").GetString()!;
        int[] ids = Ints("ids")!;
        string decoded = Text("decoded") ?? text;
        return new GoldenCase(
            text, ids, Ints("ids_special") ?? ids, decoded, Text("decoded_special") ?? decoded, knowsSkip ? Text("decoded_skip") ?? decoded : null, Ints("stream"));

        int[]? Ints(string name) => e.TryGetProperty(name, out JsonElement v) ? [.. v.EnumerateArray().Select(i => i.GetInt32())] : null;

        string? Text(string name) => e.TryGetProperty(name, out JsonElement v) ? v.GetString() : null;
    }
}
