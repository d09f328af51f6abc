using Swarm.Models;
using Swarm.Models.Templates;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>A conversation keeps its caches: a turn computes only what is new.</summary>
public sealed class ChatTests
{
    [Fact]
    public async Task SendAsync_SecondTurn_PrefillsItsOwnTokensOnlyAndAnswersAsWithoutCaches()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.DefaultModel, inMemory: true, SwarmCluster.Split(30, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        var options = new GenerationOptions { MaxTokens = 24 };
        await using ChatSession chat = swarm.StartChat("You are a helpful assistant.");

        string first = await SayAsync(chat, "Name one colour.", options);
        int firstPrefilled = chat.PrefilledTokens;
        string second = await SayAsync(chat, "And another one?", options);

        int ownTokens = swarm.Tokenizer!.Encode("<|im_end|>\n<|im_start|>user\nAnd another one?<|im_end|>\n<|im_start|>assistant\n").Length;
        Assert.InRange(firstPrefilled, 20, 60);
        // The last token of the answer was sampled but not computed; the turn's own follow it.
        Assert.InRange(chat.PrefilledTokens, ownTokens - 1, ownTokens + 1);
        Assert.Equal(chat.PrefilledTokens, chat.LastResult!.PrefilledTokens);
        Assert.Equal(5, chat.Messages.Count);

        // The same conversation without caches.
        string rendered = swarm.RenderChat([.. chat.Messages.Take(4)]);
        GenerationResult fresh = await swarm.GenerateAsync(rendered, options).CompleteAsync();
        Assert.Equal(fresh.Text, second);
        Assert.NotEmpty(first);
    }

    [Fact]
    public async Task SendAsync_CutShort_KeepsTheConversationAndItsCaches()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.DefaultModel, inMemory: true, SwarmCluster.Split(30, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await using ChatSession chat = swarm.StartChat();
        var options = new GenerationOptions { MaxTokens = 30, StopAtEndOfSequence = false };
        using var cancellation = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            int seen = 0;
            await foreach (GeneratedToken _ in chat.SendAsync("Tell me a story.", options, cancellation.Token))
            {
                if (++seen == 5)
                    await cancellation.CancelAsync();
            }
        });
        await SayAsync(chat, "Go on.", options with { MaxTokens = 3 });

        Assert.Equal(["user", "assistant", "user", "assistant"], chat.Messages.Select(message => message.Role));
        Assert.InRange(chat.PrefilledTokens, 5, 25);

        chat.Reset();
        Assert.Empty(chat.Messages);
        await SayAsync(chat, "Hello.", options with { MaxTokens = 2 });
        Assert.Equal(2, chat.Messages.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SendAsync_HopDies_TheConversationAndTheOtherCachesAreKept(bool speaking)
    {
        BlockSpan[] spans = SwarmCluster.Split(30, 2);
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.DefaultModel, inMemory: true, [.. spans, .. spans]);
        await using SwarmClient swarm = await cluster.ConnectAsync();
        ChainRoute? route = null;
        List<ChainRecovery> recoveries = [];
        var options = new GenerationOptions { MaxTokens = 12, StopAtEndOfSequence = false, RouteOpened = opened => route ??= opened, Recovered = recoveries.Add };
        await using ChatSession chat = swarm.StartChat("You are a helpful assistant.");

        string first = await SayAsync(chat, "Name one colour.", options, after: speaking ? 5 : 12, KillAsync);
        string second = await SayAsync(chat, "And another one?", options);

        // In the midst of an answer, or between two turns.
        ChainRecovery recovery = Assert.Single(recoveries);
        Assert.Equal((route!.Hops[1].Peer, spans[1], 0L), (recovery.Peer, recovery.Blocks, recovery.RecomputedDownstreamTokens));
        await using LocalModel local = cluster.OpenLocal();
        await using ChatSession alone = local.StartChat("You are a helpful assistant.");
        Assert.Equal((await SayAsync(alone, "Name one colour.", options), await SayAsync(alone, "And another one?", options)), (first, second));
        Assert.Equal(alone.PrefilledTokens, chat.PrefilledTokens);

        async Task KillAsync() => await cluster.KillAsync(cluster.Nodes.ToList().FindIndex(node => node.Peer == route!.Hops[1].Peer));
    }

    private static async Task<string> SayAsync(ChatSession chat, string message, GenerationOptions options, int after = 0, Func<Task>? then = null)
    {
        string answer = "";
        int seen = 0;
        await foreach (GeneratedToken token in chat.SendAsync(message, options))
        {
            answer += token.Text;
            if (++seen == after)
                await then!();
        }

        Assert.Equal(new ChatMessage("assistant", answer), chat.Messages[^1]);
        return answer;
    }
}
