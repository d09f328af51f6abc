namespace Swarm.Kernels.Cpu;

/// <summary>A matrix, or a pair of equal shape, of a call whose tiles the threads divide.</summary>
internal unsafe struct MatMulPart
{
    public TileMatrix Weights;

    /// <summary>With a gate in <see cref="Weights"/>, the matrix whose product the gate multiplies.</summary>
    public TileMatrix? Up;

    /// <summary>How the two meet.</summary>
    public GateForm Form;

    public float* Bias;
    public float* UpBias;

    /// <summary>[Tokens, Weights.Rows].</summary>
    public float* Output;

    /// <summary>Rows of the call's input that it reads.</summary>
    public int FirstToken;
    public int Tokens;

    /// <summary>Where those begin in the rounded input, and in the turned one.</summary>
    public int FirstBlock;
    public int FirstStrip;

    /// <summary>The product is added to what the output holds.</summary>
    public bool Adds;
}
