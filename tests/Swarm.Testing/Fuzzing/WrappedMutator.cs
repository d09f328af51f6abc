namespace Swarm.Testing.Fuzzing;

/// <summary>Takes the frame off a seed (base64, a length in front), has its content changed, and puts the frame back on.</summary>
public sealed class WrappedMutator(IFuzzMutator inner, Func<byte[], byte[]> unwrap, Func<byte[], byte[]> wrap) : IFuzzMutator
{
    public byte[] Mutate(FuzzRandom random, IReadOnlyList<byte[]> seeds) => wrap(inner.Mutate(random, [.. seeds.Select(unwrap)]));
}
