namespace Swarm.Models.Families;

/// <summary>Ranges of a configuration's fields: above every published model, and small enough that no product of them overflows.</summary>
internal static class ConfigLimits
{
    public const int Blocks = 1024;
    public const int Hidden = 65_536;
    public const int Heads = 1024;
    public const int HeadDimension = 1024;
    public const int FeedForward = 1 << 20;
    public const int Experts = 4096;
    public const int Vocabulary = 1 << 22;
    public const int Context = 1 << 24;
}
