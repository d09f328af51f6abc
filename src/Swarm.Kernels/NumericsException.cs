namespace Swarm.Kernels;

/// <summary>A kernel set does not compute what its numerics class defines; the process must not serve under that class.</summary>
public sealed class NumericsException(string operation, string message) : Exception($"{operation}: {message}")
{
    /// <summary>The operation that failed its known answer.</summary>
    public string Operation { get; } = operation;
}
