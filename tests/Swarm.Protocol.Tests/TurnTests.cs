namespace Swarm.Protocol.Tests;

public sealed class TurnTests
{
    [Fact]
    public async Task WaitAsync_OneCancelledBetweenTwo_NextIsServedInOrder()
    {
        var turn = new Turn();
        await turn.WaitAsync(CancellationToken.None);
        using var gone = new CancellationTokenSource();
        Task first = turn.WaitAsync(CancellationToken.None);
        Task cancelled = turn.WaitAsync(gone.Token);
        Task last = turn.WaitAsync(CancellationToken.None);

        gone.Cancel();
        await Assert.ThrowsAsync<TaskCanceledException>(() => cancelled);
        turn.Release();
        await first;
        Assert.False(last.IsCompleted);
        turn.Release();
        await last;
        turn.Release();

        Assert.True(turn.WaitAsync(CancellationToken.None).IsCompletedSuccessfully);
    }
}
