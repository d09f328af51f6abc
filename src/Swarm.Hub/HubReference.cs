using System.Text.RegularExpressions;
using Swarm.Models;

namespace Swarm.Hub;

/// <summary>A model as people name it: <c>org/name[@revision][:file or quantization]</c>.</summary>
/// <param name="Repository"><c>org/name</c>.</param>
/// <param name="Revision">A branch, a tag or a commit.</param>
/// <param name="Selector">A GGUF file of the repository, or the name of a quantization; null: the repository's model.</param>
public sealed partial record HubReference(string Repository, string Revision, string? Selector)
{
    /// <summary>The revision that is meant where none is named.</summary>
    public const string DefaultRevision = "main";

    /// <summary>As people write it.</summary>
    public string Text => Repository + (Revision == DefaultRevision ? "" : "@" + Revision) + (Selector is null ? "" : ":" + Selector);

    /// <summary>True where a text has the form of a hub's name. A path that begins with a dot or a separator, or ends in .gguf without a colon, has not.</summary>
    public static bool IsName(string text) => TryParse(text) is not null;

    /// <summary>Reads a name.</summary>
    /// <exception cref="ModelException">InvalidArgument: it has not the form of one.</exception>
    public static HubReference Parse(string text) => TryParse(text)
        ?? throw new ModelException(ModelError.InvalidArgument, $"'{text}' is no name on the hub, expected org/name, org/name:Q4_K_M, org/name:file.gguf or org/name@revision");

    /// <summary>Reads a name; null where it has not the form of one.</summary>
    public static HubReference? TryParse(string text)
    {
        Match match = Form().Match(text);
        if (!match.Success || text.Length > 1024)
            return null;
        string repository = match.Groups["repository"].Value;
        string revision = match.Groups["revision"].Success ? match.Groups["revision"].Value : DefaultRevision;
        string? selector = match.Groups["selector"].Success ? match.Groups["selector"].Value : null;
        bool isPath = selector is null && repository.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
        return isPath || repository.Contains("--", StringComparison.Ordinal) || repository.Contains("..", StringComparison.Ordinal)
            || !RepositoryFile.IsSafePath(revision) || (selector is not null && !RepositoryFile.IsSafePath(selector))
            ? null
            : new HubReference(repository, revision, selector);
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    [GeneratedRegex(@"^(?<repository>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95})(@(?<revision>[\w./-]{1,200}))?(:(?<selector>[^\s:\\]{1,400}))?$", RegexOptions.CultureInvariant | RegexOptions.ECMAScript)]
    private static partial Regex Form();
}
