namespace Swarm.Models.Tokenizers;

/// <summary>
/// Turns ids into text as they come. What it has given is final: half characters and what a decoder may still strip are held back.
/// </summary>
public abstract class StreamingDetokenizer
{
    /// <summary>The text that became certain with this token; often empty. An id without a spelling (a padding row of the head) gives nothing.</summary>
    public abstract string Push(int id);

    /// <summary>The rest: an unfinished UTF-8 sequence becomes U+FFFD. The stream then starts anew.</summary>
    public abstract string Flush();
}
