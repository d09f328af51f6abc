using Swarm.Models.Files;

namespace Swarm.Testing;

/// <summary>Writes small models of the Llama shape with random weights in float32.</summary>
public static class ModelWriter
{
    /// <summary>Names and shapes of a model's tensors.</summary>
    public static List<(string Name, long[] Shape)> Shapes(long hidden, long keyWidth, long feedForward, long vocabulary, int blocks, bool ownHead)
    {
        List<(string Name, long[] Shape)> shapes = [("model.embed_tokens.weight", [vocabulary, hidden]), ("model.norm.weight", [hidden])];
        if (ownHead)
            shapes.Add(("lm_head.weight", [vocabulary, hidden]));
        for (int block = 0; block < blocks; block++)
        {
            foreach ((string name, long outputs, long inputs) in new[]
            {
                ("self_attn.q_proj", hidden, hidden), ("self_attn.k_proj", keyWidth, hidden), ("self_attn.v_proj", keyWidth, hidden), ("self_attn.o_proj", hidden, hidden),
                ("mlp.gate_proj", feedForward, hidden), ("mlp.up_proj", feedForward, hidden), ("mlp.down_proj", hidden, feedForward),
            })
            {
                shapes.Add(($"model.layers.{block}.{name}.weight", [outputs, inputs]));
            }

            shapes.Add(($"model.layers.{block}.input_layernorm.weight", [hidden]));
            shapes.Add(($"model.layers.{block}.post_attention_layernorm.weight", [hidden]));
        }

        return shapes;
    }

    /// <summary>Writes one.</summary>
    /// <param name="path">The file to make.</param>
    /// <param name="change">May change the values of a tensor before they are written.</param>
    public static void Write(string path, long hidden, long keyWidth, long feedForward, long vocabulary, int blocks, bool ownHead, Func<string, float[], float[]>? change = null) =>
        Write(path, Shapes(hidden, keyWidth, feedForward, vocabulary, blocks, ownHead), change);

    /// <summary>Writes some tensors.</summary>
    public static void Write(string path, List<(string Name, long[] Shape)> shapes, Func<string, float[], float[]>? change = null)
    {
        using var writer = new SafetensorsWriter(path, shapes);
        foreach ((string name, long[] shape) in shapes)
        {
            var values = new float[shape.Aggregate(1L, (product, length) => product * length)];
            uint state = 2166136261;
            foreach (char letter in name)
                state = (state ^ letter) * 16777619;
            float reach = shape.Length == 1 ? 0.1f : MathF.Sqrt(3f / shape[^1]);
            for (int i = 0; i < values.Length; i++)
            {
                state = (state * 1664525) + 1013904223;
                values[i] = (shape.Length == 1 ? 1 : 0) + (reach * ((int)(state >> 8) * (1f / (1 << 23)) - 1));
            }

            writer.Write(name, 0, change?.Invoke(name, values) ?? values);
        }
    }
}
