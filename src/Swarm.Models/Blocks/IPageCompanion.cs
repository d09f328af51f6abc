namespace Swarm.Models.Blocks;

/// <summary>What belongs to a shared page beside its keys and values; disposed when the page is freed.</summary>
public interface IPageCompanion : IDisposable
{
    /// <summary>Memory that it takes; constant.</summary>
    long Bytes { get; }
}
