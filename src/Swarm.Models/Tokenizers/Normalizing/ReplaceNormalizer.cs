using System.Text;
using Swarm.Models.Tokenizers.Patterns;

namespace Swarm.Models.Tokenizers.Normalizing;

/// <summary>Replaces a text, or what a pattern matches, by another text.</summary>
internal sealed class ReplaceNormalizer : Normalizer
{
    private readonly Func<string, string> _replace;

    public ReplaceNormalizer(string text, string content) =>
        _replace = s => text.Length == 0 ? s : s.Replace(text, content, StringComparison.Ordinal);

    public ReplaceNormalizer(Pattern pattern, string content) => _replace = s =>
    {
        var builder = new StringBuilder(s.Length);
        pattern.Cover(s, (start, end, match) => _ = match ? builder.Append(content) : builder.Append(s, start, end - start));
        return builder.ToString();
    };

    public override string Apply(string text) => _replace(text);
}
