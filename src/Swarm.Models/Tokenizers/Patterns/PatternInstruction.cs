namespace Swarm.Models.Tokenizers.Patterns;

/// <summary>One step of a compiled pattern. <paramref name="A"/> and <paramref name="B"/> are targets or bounds, by operation.</summary>
internal readonly record struct PatternInstruction(PatternOp Op, int A = 0, int B = 0, CodePointSet? Set = null)
{
    public CodePointSet Members => Set!;
}
