namespace Swarm.Models.Tokenizers.Patterns;

internal enum RepeatMode
{
    Greedy,
    Lazy,
    Possessive,
}
