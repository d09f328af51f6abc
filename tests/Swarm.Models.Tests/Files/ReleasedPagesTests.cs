using Swarm.Kernels.Cpu;
using Swarm.Models.Blocks;
using Swarm.Models.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests.Files;

/// <summary>A loaded model is in memory once: packed; the file's pages are let go.</summary>
public sealed class ReleasedPagesTests
{
    private const int Hidden = 256;
    private const int FeedForward = 1024;
    private const int Vocabulary = 2048;
    private const int Blocks = 3;

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Load_WholeModel_LeavesNoneOfItsFileResident(bool verified)
    {
        Skip.IfNot(File.Exists("/proc/self/smaps"), "this system does not say what is resident");
        using var folder = new TemporaryFolder();
        string path = WriteModel(folder);
        using ModelSource source = ModelSource.Open(folder.Path);
        using var kernels = new CpuKernels(1);
        ModelManifest? manifest = verified ? ModelManifest.Create(source.Tensors) : null;
        using BlockStack stack = BlockStack.Load(source, source.Config.AllBlocks, kernels, verify: manifest);
        using ModelEnds ends = ModelEnds.Load(source, kernels, manifest);
        long length = new FileInfo(path).Length;
        Assert.InRange(length, 12 << 20, 30 << 20);

        // A file that is kept is here whole. What the system maps around a page that is touched is as large as the pieces in which the file lies in its cache.
        Assert.InRange(ResidentBytes(path), 0, length / 3);
    }

    internal static long ResidentBytes(string path)
    {
        long bytes = 0;
        bool mine = false, seen = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            // A mapping begins with its addresses, 7f00-7fff; its figures follow, each with a name and a colon.
            if (line.AsSpan(0, Math.Max(0, line.IndexOf(' '))).Contains('-'))
                seen |= mine = line.EndsWith(path, StringComparison.Ordinal);
            else if (mine && line.StartsWith("Rss:", StringComparison.Ordinal))
                bytes += 1024 * long.Parse(line["Rss:".Length..].Replace("kB", "", StringComparison.Ordinal), System.Globalization.CultureInfo.InvariantCulture);
        }

        Assert.True(seen, $"{path} is not mapped");
        return bytes;
    }

    private static string WriteModel(TemporaryFolder folder)
    {
        folder.Write("config.json", """
            {"model_type":"llama","hidden_size":256,"num_attention_heads":4,"num_key_value_heads":2,"num_hidden_layers":3,"intermediate_size":1024,
             "vocab_size":2048,"rms_norm_eps":1e-5,"tie_word_embeddings":true}
            """);
        List<(string Name, long[] Shape)> shapes = [("model.embed_tokens.weight", [Vocabulary, Hidden]), ("model.norm.weight", [Hidden])];
        for (int block = 0; block < Blocks; block++)
        {
            foreach ((string name, long outputs, long inputs) in new[]
            {
                ("self_attn.q_proj", Hidden, (long)Hidden), ("self_attn.k_proj", Hidden / 2, Hidden), ("self_attn.v_proj", Hidden / 2, Hidden),
                ("self_attn.o_proj", Hidden, Hidden), ("mlp.gate_proj", FeedForward, Hidden), ("mlp.up_proj", FeedForward, Hidden),
                ("mlp.down_proj", Hidden, FeedForward),
            })
            {
                shapes.Add(($"model.layers.{block}.{name}.weight", [outputs, inputs]));
            }

            shapes.Add(($"model.layers.{block}.input_layernorm.weight", [Hidden]));
            shapes.Add(($"model.layers.{block}.post_attention_layernorm.weight", [Hidden]));
        }

        string path = folder.File("model.safetensors");
        using var writer = new SafetensorsWriter(path, shapes);
        foreach ((string name, long[] shape) in shapes)
            writer.Write(name, 0, [.. Enumerable.Repeat(0.5f, (int)shape.Aggregate(1L, (product, size) => product * size))]);
        return path;
    }
}
