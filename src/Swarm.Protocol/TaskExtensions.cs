namespace Swarm.Protocol;

/// <summary>Waiting that stays where it began.</summary>
public static class TaskExtensions
{
    /// <summary>
    /// The same task, ended in the context of who asks. A task that ends "asynchronously" runs <c>WaitAsync</c>, <c>WhenAll</c> and their like on the thread pool, where virtual time
    /// does not rule; what they are given goes through here first.
    /// </summary>
    public static async Task Here(this Task task)
    {
        ArgumentNullException.ThrowIfNull(task);
        await task;
    }

    /// <inheritdoc cref="Here(Task)"/>
    public static async Task<T> Here<T>(this Task<T> task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return await task;
    }
}
