using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Swarm.Cli.Framework;
using Swarm.Models;

namespace Swarm.Cli.Home;

/// <summary>
/// Manifests that this home has made of files, so that bringing a model again does not hash all of it again. They are found by path, length and time of change of each file;
/// a node that starts with one verifies the tensors that it loads, as a joiner does.
/// </summary>
internal sealed class ManifestCache(HomeFolder home)
{
    /// <summary>The model with its manifest, where one is kept for its files as they are; else the model as it came.</summary>
    public ModelSource With(ModelSource source)
    {
        if (source.Manifest is not null || PathOf(source) is not { } path || !File.Exists(path))
            return source;
        try
        {
            ModelManifest manifest = ModelManifest.Parse(File.ReadAllBytes(path));
            return manifest.Entries.Select(entry => entry.Name).SequenceEqual(source.Tensors.Tensors.Select(tensor => tensor.Name)) ? source.WithManifest(manifest) : source;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ModelException)
        {
            // What cannot be read is made anew.
            return source;
        }
    }

    /// <summary>Keeps a manifest that was made by hashing the model's files; where that fails, the next start hashes again.</summary>
    public void Keep(ModelSource source, ModelManifest manifest)
    {
        try
        {
            if (PathOf(source) is { } path)
                PrivateFiles.Write(path, manifest.Bytes.Span);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>Forgets what is kept for a model's files: a tensor differed.</summary>
    public void Forget(ModelSource source)
    {
        if (PathOf(source) is { } path)
            File.Delete(path);
    }

    // Null where the model is no files.
    private string? PathOf(ModelSource source)
    {
        IReadOnlyList<string> files = source.Tensors.Files;
        if (files.Count == 0)
            return null;
        var stamp = new StringBuilder();
        foreach (string file in files)
        {
            var info = new FileInfo(file);
            stamp.Append(CultureInfo.InvariantCulture, $"{info.FullName}\n{info.Length}\n{info.LastWriteTimeUtc.Ticks}\n{info.CreationTimeUtc.Ticks}\n");
        }

        return Path.Combine(home.Path, "manifests", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stamp.ToString()))));
    }
}
