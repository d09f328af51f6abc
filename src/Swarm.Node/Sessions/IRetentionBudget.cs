namespace Swarm.Node.Sessions;

/// <summary>Who may keep how many bytes of sent rows in memory.</summary>
internal interface IRetentionBudget
{
    /// <summary>Takes so many bytes or none.</summary>
    bool TryTake(long bytes);

    /// <summary>Gives taken bytes back.</summary>
    void Return(long bytes);
}
