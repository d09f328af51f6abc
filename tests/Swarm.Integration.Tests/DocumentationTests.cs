using System.Text.RegularExpressions;
using Swarm.Testing;

namespace Swarm.Integration.Tests;

/// <summary>The documents speak of what is there.</summary>
public sealed partial class DocumentationTests
{
    public static TheoryData<string> Documents
    {
        get
        {
            IEnumerable<string> files = Directory.GetFiles(Path.Combine(TestData.Root, "docs"), "*.md", SearchOption.AllDirectories);
            files = files.Concat(Directory.GetFiles(TestData.Root, "*.md")).Concat(Directory.GetFiles(Path.Combine(TestData.Root, "src"), "README.md", SearchOption.AllDirectories));
            return [.. files.Select(file => Path.GetRelativePath(TestData.Root, file).Replace('\\', '/')).Order(StringComparer.Ordinal)];
        }
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Paths_InBackticks_Exist(string document)
    {
        List<string> missing = [];
        foreach (Match match in QuotedPath().Matches(File.ReadAllText(Path.Combine(TestData.Root, document))))
        {
            string path = match.Groups["path"].Value;
            if (!Exists(path))
                missing.Add(path);
        }

        Assert.True(missing.Count == 0, $"{document} names what is not there: {string.Join(", ", missing)}");
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Links_ToFiles_Exist(string document)
    {
        string folder = Path.GetDirectoryName(Path.Combine(TestData.Root, document))!;
        List<string> missing = [];
        foreach (Match match in Link().Matches(File.ReadAllText(Path.Combine(TestData.Root, document))))
        {
            string target = match.Groups["target"].Value;
            if (!target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal) && !Path.Exists(Path.Combine(folder, target)))
                missing.Add(target);
        }

        Assert.True(missing.Count == 0, $"{document} links to what is not there: {string.Join(", ", missing)}");
    }

    [Theory]
    [InlineData("src/Swarm.Models/Templates/ChatTemplate.cs", true)]
    [InlineData("src/Swarm.Models/Templates", true)]
    [InlineData("src/*/README.md", true)]
    [InlineData("tests/data/**/*.json", true)]
    [InlineData("tests/data/families/NAME/config.json", true)]
    [InlineData("src/Swarm.Models/NotThere.cs", false)]
    [InlineData("src/*/NotThere.md", false)]
    public void Exists_PathOrPattern_IsLookedUp(string path, bool expected) => Assert.Equal(expected, Exists(path));

    /// <summary>A path as it is, or with wildcards; a part in capitals stands for any name.</summary>
    private static bool Exists(string path)
    {
        path = Placeholder().Replace(path.TrimEnd('/', '.', ','), "/*");
        if (!path.Contains('*', StringComparison.Ordinal) && !path.Contains('…', StringComparison.Ordinal) && !path.Contains('<', StringComparison.Ordinal))
            return Path.Exists(Path.Combine(TestData.Root, path)) || IsBuilt(path);
        string pattern = "^" + Regex.Escape(path).Replace(@"\*\*/", "(.*/)?", StringComparison.Ordinal).Replace(@"\*", "[^/]*", StringComparison.Ordinal).Replace("…", ".*", StringComparison.Ordinal) + "$";
        pattern = Regex.Replace(pattern, "<[^>]*>", "[^/]+");
        string top = Path.Combine(TestData.Root, path[..path.IndexOf('/', StringComparison.Ordinal)]);
        return Directory.Exists(top) && Directory.EnumerateFileSystemEntries(top, "*", SearchOption.AllDirectories)
            .Any(entry => Regex.IsMatch(Path.GetRelativePath(TestData.Root, entry).Replace('\\', '/'), pattern));
    }

    /// <summary>What a build makes is not in the repository.</summary>
    private static bool IsBuilt(string path) => path.Contains("/bin/", StringComparison.Ordinal) || path.Contains("/obj/", StringComparison.Ordinal);

    [GeneratedRegex("`(?<path>(src|tests|scripts|protos|docs|samples|models)/[^`\\s]+)[^`]*`")]
    private static partial Regex QuotedPath();

    [GeneratedRegex("/[A-Z]{3,}(?=/|$)")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"\]\((?<target>[^)#\s]+)(#[^)]*)?\)")]
    private static partial Regex Link();
}
