using System.Text.RegularExpressions;
using Swarm.Models;

namespace Swarm.Hub;

/// <summary>Which of a repository's files a name means: those of one model, as they are read.</summary>
/// <param name="Files">All of them; those without weights first.</param>
/// <param name="Weights">The files with tensors, in the order of their parts.</param>
/// <param name="Quantization">Of a GGUF model, as its file's name tells it; null: unknown, or safetensors.</param>
/// <param name="IsGguf">One GGUF model; otherwise a folder in Hugging Face layout.</param>
/// <param name="Note">What to tell whoever named no quantization where there are several; null: nothing.</param>
internal sealed partial record FileSelection(
    IReadOnlyList<RepositoryFile> Files, IReadOnlyList<RepositoryFile> Weights, string? Quantization, bool IsGguf, string? Note = null)
{
    /// <summary>What is taken of several quantizations where none is named.</summary>
    public const string DefaultQuantization = "Q4_K_M";

    public const string Index = "model.safetensors.index.json";

    // What is read beside weights, by this program or others that share the cache.
    private static readonly string[] Small =
    [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
        "chat_template.jinja", "chat_template.json", Index,
    ];

    public long Bytes => Files.Sum(file => file.Size);

    /// <summary>Chooses.</summary>
    /// <exception cref="ModelException">ModelNotFound: the repository has nothing of that name; the nearest are told. InvalidArgument: it has several. UnsupportedModel: it has no weights of a kind that is read.</exception>
    public static FileSelection Choose(HubReference reference, IReadOnlyList<RepositoryFile> files)
    {
        List<Group> groups = Groups(files);
        if (reference.Selector is { } selector)
            return Named(reference, selector, groups);
        if (OfSafetensors(files) is { } folder)
            return folder;
        if (groups.Count == 1)
            return Of(groups[0]);
        if (groups.Count > 1)
        {
            string others = string.Join(", ", groups.Select(group => group.Label));
            Group[] usual = [.. groups.Where(group => group.Quantization == DefaultQuantization)];
            return usual.Length == 1
                ? Of(usual[0]) with { Note = $"{reference.Repository} has {groups.Count} quantizations; this is {DefaultQuantization}, others are {reference.Repository}:NAME with one of {string.Join(", ", groups.Where(group => group != usual[0]).Select(group => group.Label))}" }
                : throw new ModelException(ModelError.InvalidArgument, $"{reference.Repository} has {groups.Count} models, expected {reference.Repository}:NAME with one of {others}");
        }

        string[] foreign = [.. files.Select(file => file.Name).Where(name => Path.GetExtension(name) is ".bin" or ".pth" or ".pt" or ".safetensors" or ".onnx" or ".h5" or ".msgpack")];
        throw foreign.Length > 0
            ? new ModelException(ModelError.UnsupportedModel, $"{reference.Repository} holds its weights as {foreign[0]}, expected a GGUF file, or config.json with model.safetensors or shards of it")
            : new ModelException(ModelError.ModelNotFound, $"{reference.Repository} at {reference.Revision} has no weights among its {files.Count} files, expected a GGUF file, or config.json with model.safetensors");
    }

    /// <summary>The model in Hugging Face layout; null where there is none.</summary>
    public static FileSelection? OfSafetensors(IReadOnlyList<RepositoryFile> files) =>
        files.Any(file => file.Path == "config.json") && Safetensors(files) is { Count: > 0 } shards
            ? new FileSelection([.. files.Where(file => Small.Contains(file.Path, StringComparer.Ordinal)), .. shards], shards, null, false)
            : null;

    /// <summary>One GGUF model.</summary>
    public static FileSelection Of(Group group) => new(group.Parts, group.Parts, group.Quantization, true);

    /// <summary>The models among GGUF files: those of several parts are one.</summary>
    public static List<Group> Groups(IReadOnlyList<RepositoryFile> files)
    {
        List<Group> groups = [];
        foreach (IGrouping<string, RepositoryFile> parts in files.Where(IsModel).GroupBy(file => Part().Replace(file.Path, ""), StringComparer.Ordinal))
        {
            string stem = parts.Key.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? parts.Key[..^5] : parts.Key;
            groups.Add(new Group(stem, [.. parts.OrderBy(file => file.Path, StringComparer.Ordinal)], QuantizationOf(stem)));
        }

        return groups;
    }

    private static bool IsModel(RepositoryFile file) =>
        file.Path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
        && !file.Name.Contains("mmproj", StringComparison.OrdinalIgnoreCase) && !file.Name.Contains("imatrix", StringComparison.OrdinalIgnoreCase);

    private static List<RepositoryFile> Safetensors(IReadOnlyList<RepositoryFile> files)
    {
        bool sharded = files.Any(file => file.Path == Index);
        return [.. files.Where(file => sharded ? Shard().IsMatch(file.Path) : file.Path == "model.safetensors").OrderBy(file => file.Path, StringComparer.Ordinal)];
    }

    private static FileSelection Named(HubReference reference, string selector, List<Group> groups)
    {
        bool Same(string? a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);
        Group[] found = selector.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
            ? [.. groups.Where(group => group.Parts.Any(part => part.Path == selector)) is var exact && exact.Any() ? exact : groups.Where(group => group.Parts.Any(part => Same(part.Name, selector)))]
            : [.. groups.Where(group => Same(group.Quantization, selector)) is var same && same.Any() ? same : groups.Where(group => Same(group.Quantization, "UD-" + selector))];
        if (found.Length == 1)
            return Of(found[0]);
        if (found.Length > 1)
        {
            throw new ModelException(
                ModelError.InvalidArgument, $"{reference.Text} means {found.Length} models, expected one of {string.Join(", ", found.Select(group => $"{reference.Repository}:{group.Parts[0].Path}"))}");
        }

        if (groups.Count == 0)
            throw new ModelException(ModelError.ModelNotFound, $"{reference.Text}: {reference.Repository} has no GGUF file; its model is {reference.Repository} alone");
        string there = string.Join(", ", groups.Select(group => group.Label).OrderBy(label => Nearness.Distance(selector, label)).Take(12));
        throw new ModelException(ModelError.ModelNotFound, $"{reference.Repository} has no {selector}; the nearest of its {groups.Count} models are {there}");
    }

    private static string? QuantizationOf(string stem)
    {
        Match match = QuantizationName().Match(stem);
        return match.Success ? match.Groups[1].Value.ToUpperInvariant() : null;
    }

    [GeneratedRegex(@"-\d{5}-of-\d{5}(?=\.gguf$)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Part();

    [GeneratedRegex(@"^model-\d{5,6}-of-\d{5,6}\.safetensors$", RegexOptions.CultureInvariant)]
    private static partial Regex Shard();

    [GeneratedRegex(@"(?:^|[-._/])((?:UD-)?(?:I?Q\d(?:_[0-9A-Z]+)*|TQ\d_\d|BF16|FP?16|FP?32|MXFP4(?:_MOE)?))$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex QuantizationName();

    /// <summary>One GGUF model of a repository.</summary>
    /// <param name="Stem">Its path without part and extension.</param>
    /// <param name="Parts">Its files.</param>
    /// <param name="Quantization">As its name tells it, in capitals.</param>
    internal sealed record Group(string Stem, IReadOnlyList<RepositoryFile> Parts, string? Quantization)
    {
        /// <summary>What follows the colon.</summary>
        public string Label => Quantization ?? Parts[0].Path;
    }
}
