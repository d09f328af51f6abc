using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>A linear map: weights [outputs, inputs] and a bias [outputs], empty where the model has none.</summary>
internal sealed class Projection(WeightMatrix weights, float[] bias) : IDisposable
{
    public int Outputs => weights.Rows;

    public int Inputs => weights.Columns;

    public long ResidentBytes => weights.ResidentBytes + 4L * bias.Length;

    /// <summary>output [tokens, Outputs] = input [tokens, Inputs] · weightsᵀ + bias.</summary>
    public void Apply(KernelSet kernels, ReadOnlySpan<float> input, int tokens, Span<float> output) =>
        kernels.MatMul(weights, input[..(tokens * Inputs)], tokens, bias, output[..(tokens * Outputs)]);

    public void Dispose() => weights.Dispose();
}
