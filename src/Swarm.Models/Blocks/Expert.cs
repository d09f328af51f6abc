namespace Swarm.Models.Blocks;

/// <summary>One expert's maps.</summary>
internal sealed record Expert(Projection Gate, Projection Up, Projection Down) : IDisposable
{
    public long ResidentBytes => Gate.ResidentBytes + Up.ResidentBytes + Down.ResidentBytes;

    public void Dispose()
    {
        Gate.Dispose();
        Up.Dispose();
        Down.Dispose();
    }
}
