namespace Swarm.Testing.Fuzzing;

/// <summary>Makes one broken input of valid ones.</summary>
public interface IFuzzMutator
{
    byte[] Mutate(FuzzRandom random, IReadOnlyList<byte[]> seeds);
}
