using Swarm.Kernels.Reference;
using Swarm.Models.Files;
using Swarm.Models.Tests.Blocks;
using Swarm.Models.Tests.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests.Families;

/// <summary>Biases of attention's output and of the feed-forward part, which no reference file has: against the formula, computed here in double.</summary>
public sealed class BiasTests
{
    private const int Hidden = 64;
    private const int FeedForward = 96;

    [Fact]
    public void Forward_LlamaWithAllBiases_EqualsTheFormula()
    {
        using var folder = new TemporaryFolder();
        Dictionary<string, float[]> weights = WriteModel(folder);
        using var runner = new ModelRunner(folder.Path, new ReferenceKernels());
        float[] embedding = new float[Hidden];
        runner.Ends.Embed([3], 0, embedding);
        float[] actual = runner.Hidden([3]);

        // At position 0 nothing turns and attention returns the value: the block is linear maps, norms and SwiGLU.
        double[] x = [.. embedding.Select(value => (double)value)];
        double[] value = Linear("self_attn.v_proj", Norm("input_layernorm", x), 32);
        double[] attended = [.. value.Take(16), .. value.Take(16), .. value.Skip(16), .. value.Skip(16)];
        x = [.. x.Zip(Linear("self_attn.o_proj", attended, Hidden), (left, right) => left + right)];
        double[] normed = Norm("post_attention_layernorm", x);
        double[] gate = Linear("mlp.gate_proj", normed, FeedForward);
        double[] up = Linear("mlp.up_proj", normed, FeedForward);
        double[] inner = [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)];
        x = [.. x.Zip(Linear("mlp.down_proj", inner, Hidden), (left, right) => left + right)];
        Numbers.AssertClose([.. x.Select(number => (float)number)], actual, 1e-4, "hidden");

        double[] Norm(string name, double[] input)
        {
            double mean = input.Sum(number => number * number) / input.Length;
            return [.. input.Zip(weights[$"model.layers.0.{name}.weight"], (number, weight) => number * weight / Math.Sqrt(mean + 1e-5))];
        }

        double[] Linear(string name, double[] input, int outputs)
        {
            float[] matrix = weights[$"model.layers.0.{name}.weight"];
            float[] bias = weights[$"model.layers.0.{name}.bias"];
            return [.. Enumerable.Range(0, outputs).Select(row => bias[row] + input.Select((number, column) => number * matrix[row * input.Length + column]).Sum())];
        }
    }

    private static Dictionary<string, float[]> WriteModel(TemporaryFolder folder)
    {
        folder.Write("config.json", """
            {"model_type":"llama","hidden_size":64,"num_attention_heads":4,"num_key_value_heads":2,"num_hidden_layers":1,"intermediate_size":96,
             "vocab_size":32,"rms_norm_eps":1e-5,"attention_bias":true,"mlp_bias":true,"tie_word_embeddings":true}
            """);
        List<(string Name, long[] Shape)> shapes = [("model.embed_tokens.weight", [32, Hidden]), ("model.norm.weight", [Hidden])];
        foreach ((string name, long outputs, long inputs) in new[]
        {
            ("self_attn.q_proj", 64L, 64L), ("self_attn.k_proj", 32, 64), ("self_attn.v_proj", 32, 64), ("self_attn.o_proj", 64, 64),
            ("mlp.gate_proj", 96, 64), ("mlp.up_proj", 96, 64), ("mlp.down_proj", 64, 96),
        })
        {
            shapes.Add(($"model.layers.0.{name}.weight", [outputs, inputs]));
            shapes.Add(($"model.layers.0.{name}.bias", [outputs]));
        }

        shapes.Add(("model.layers.0.input_layernorm.weight", [Hidden]));
        shapes.Add(("model.layers.0.post_attention_layernorm.weight", [Hidden]));
        var random = new Random(7);
        var weights = new Dictionary<string, float[]>();
        using var writer = new SafetensorsWriter(folder.File("model.safetensors"), shapes);
        foreach ((string name, long[] shape) in shapes)
        {
            float[] values = [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(_ => (float)(random.NextDouble() - 0.5))];
            weights.Add(name, values);
            writer.Write(name, 0, values);
        }

        return weights;
    }
}
