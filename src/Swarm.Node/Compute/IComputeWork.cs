namespace Swarm.Node.Compute;

/// <summary>One turn on the compute device.</summary>
public interface IComputeWork
{
    void Run();

    /// <summary>Blocks that the last run went through and tokens that went through them; 0 where it computed none.</summary>
    (int Blocks, int Tokens) Size => default;

    /// <summary>Told by an executor on whose clock time does not pass during <see cref="Run"/>: so long the device was busy with the last run.</summary>
    void Took(TimeSpan time)
    {
    }
}
