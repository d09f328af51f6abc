using Xunit;

namespace Swarm.Testing;

/// <summary>Finds the data of tests: small files in tests/data, large ones in the folder <c>shared</c> beside the repository.</summary>
public static class TestData
{
    private static readonly Lazy<string> LazyRoot = new(FindRoot);

    /// <summary>The repository's root: the nearest ancestor of the test program that holds Swarm.sln.</summary>
    public static string Root => LazyRoot.Value;

    /// <summary>Folder of the default model, which is part of the repository.</summary>
    public static string DefaultModel => System.IO.Path.Combine(Root, "models", "smollm2-135m-instruct");

    /// <summary>The default model's GGUF file.</summary>
    public static string DefaultModelFile => System.IO.Path.Combine(DefaultModel, "SmolLM2-135M-Instruct.Q4_1.gguf");

    /// <summary>Absolute path of a file under tests/data; it must exist.</summary>
    public static string Path(string relative)
    {
        string path = System.IO.Path.Combine(Root, "tests", "data", relative);
        if (!File.Exists(path) && !Directory.Exists(path))
            throw new FileNotFoundException($"tests/data/{relative} is missing", path);
        return path;
    }

    /// <summary>
    /// Absolute path of a file or folder under <c>../shared</c> (or the folder that SWARM_SHARED names); the calling test, a SkippableFact or SkippableTheory, is skipped
    /// with a message that names it where it is absent.
    /// </summary>
    public static string SharedOrSkip(string relative)
    {
        string shared = Environment.GetEnvironmentVariable("SWARM_SHARED") ?? System.IO.Path.Combine(Root, "..", "shared");
        string path = System.IO.Path.GetFullPath(System.IO.Path.Combine(shared, relative));
        Skip.IfNot(File.Exists(path) || Directory.Exists(path), $"needs {relative} in the folder shared beside the repository");
        return path;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Swarm.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException($"no ancestor of {AppContext.BaseDirectory} holds Swarm.sln");
    }
}
