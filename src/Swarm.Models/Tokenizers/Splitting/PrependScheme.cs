namespace Swarm.Models.Tokenizers.Splitting;

/// <summary>Where a space is put in front: never, before the whole text, or before every stretch between added tokens.</summary>
internal enum PrependScheme
{
    Never,
    First,
    Always,
}
