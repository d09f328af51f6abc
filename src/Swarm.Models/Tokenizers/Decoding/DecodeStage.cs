namespace Swarm.Models.Tokenizers.Decoding;

/// <summary>One step from token spellings to text, with the state of one generation. Stages are chained; the last collects.</summary>
internal abstract class DecodeStage
{
    public DecodeStage? Next { get; set; }

    public abstract void Push(string token);

    /// <summary>Gives what was held back and returns to the state at the start.</summary>
    public virtual void Finish() => Next?.Finish();

    protected void Emit(string text)
    {
        if (text.Length > 0)
            Next!.Push(text);
    }
}
