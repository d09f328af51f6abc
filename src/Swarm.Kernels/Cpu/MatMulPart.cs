namespace Swarm.Kernels.Cpu;

/// <summary>A matrix, or a pair of equal shape, of a call whose tiles the threads divide.</summary>
internal unsafe struct MatMulPart
{
    public TileMatrix Weights;

    /// <summary>With a gate in <see cref="Weights"/>, the matrix whose product the gate multiplies.</summary>
    public TileMatrix? Up;

    public float* Bias;
    public float* UpBias;

    /// <summary>[tokens, Weights.Rows].</summary>
    public float* Output;

    /// <summary>The product is added to what the output holds.</summary>
    public bool Adds;
}
