using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>A linear map: weights [outputs, inputs] and a bias [outputs], empty where the model has none.</summary>
internal sealed class Projection(WeightMatrix weights, float[] bias) : IDisposable
{
    private readonly WeightMatrix _weights = weights;
    private readonly float[] _bias = bias;

    public int Outputs => _weights.Rows;

    public int Inputs => _weights.Columns;

    public long ResidentBytes => _weights.ResidentBytes + 4L * _bias.Length;

    /// <summary>target [tokens, Outputs] += input [tokens, Inputs] · weightsᵀ + bias.</summary>
    public void AddTo(KernelSet kernels, ReadOnlySpan<float> input, int tokens, Span<float> target) =>
        kernels.MatMulAdd(_weights, input[..(tokens * Inputs)], tokens, _bias, target[..(tokens * Outputs)]);

    /// <summary>output [tokens, Outputs] = input [tokens, Inputs] · weightsᵀ + bias.</summary>
    public void Apply(KernelSet kernels, ReadOnlySpan<float> input, int tokens, Span<float> output) =>
        kernels.MatMul(_weights, input[..(tokens * Inputs)], tokens, _bias, output[..(tokens * Outputs)]);

    /// <summary>output [tokens, Outputs] = activation(this) · up, both of input [tokens, Inputs].</summary>
    public void ApplyGated(KernelSet kernels, Activation activation, Projection up, ReadOnlySpan<float> input, int tokens, Span<float> output) =>
        kernels.MatMulGated(input[..(tokens * Inputs)], tokens, Into(output, tokens), up._weights, up._bias, activation);

    /// <summary>This product as one of several over the same input.</summary>
    public Product Into(Span<float> output, int tokens) => new(_weights, _bias, output[..(tokens * Outputs)]);

    /// <summary>This product with rows of its own, as one of several.</summary>
    public GroupedProduct Grouped(int tokens) => new(_weights, _bias, tokens);

    /// <summary>This product as the gate of another, with rows of their own, as one of several pairs.</summary>
    public GroupedProduct Grouped(int tokens, Projection up) => new(_weights, _bias, tokens) { Up = up._weights, UpBias = up._bias };

    public void Dispose() => _weights.Dispose();
}
