using System.Runtime.InteropServices;
using Swarm.Cli.Framework;
using Swarm.Client;
using Swarm.Kernels.Codecs;
using Swarm.Models;

namespace Swarm.Cli.Scoring;

/// <summary>Given hidden states at a block boundary: [tokens, hidden].</summary>
internal delegate void BoundaryStates(int boundary, ReadOnlySpan<float> states);

/// <summary>
/// Brings a text's hidden states through all blocks: in one session, in several equal ones that are compared, or, where the states between blocks
/// are asked for, block after block.
/// </summary>
internal sealed class BlockRunner(LanguageModel model, ScoreOptions options)
{
    private readonly int _hidden = model.Config.Hidden;

    /// <param name="states">[tokens, hidden]: in, the embedding; out, the last block's output before the final norm.</param>
    /// <param name="tokens">Rows.</param>
    /// <param name="onBoundary">Given what enters each block, before it is rounded, when the options ask for hidden states.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public async Task<ChainRoute> RunAsync(float[] states, int tokens, BoundaryStates onBoundary, CancellationToken cancellationToken)
    {
        ChainSessionOptions whole = new()
        {
            Codec = options.Codec,
            RoundAt = options.RoundAt,
            MaxPositions = tokens,
            ExpectedPositions = tokens,
        };
        if (!options.WithHidden)
            return await RunStageAsync(whole, states, tokens, cancellationToken);

        // The route of the whole says where it rounds; between single blocks that is done here.
        ChainRoute route;
        await using (IChainSession probe = await model.Chain.OpenAsync(whole with { ExpectedPositions = 1 }, cancellationToken))
            route = probe.Route;
        ActivationCodec codec = ActivationCodec.ByName(route.Codec)!;
        for (int block = 0; block < model.Config.Blocks; block++)
        {
            onBoundary(block, states);
            if (route.RoundingPoints.Contains(block))
                codec.Round(states, tokens, _hidden);
            await RunStageAsync(whole with { Blocks = new BlockSpan(block, block + 1), Codec = "f32", RoundAt = [] }, states, tokens, cancellationToken);
        }

        return route;
    }

    private async Task<ChainRoute> RunStageAsync(ChainSessionOptions stage, float[] states, int tokens, CancellationToken cancellationToken)
    {
        List<IChainSession> sessions = [];
        try
        {
            while (sessions.Count < options.Batch)
            {
                sessions.Add(await model.Chain.OpenAsync(stage, cancellationToken));
                stage = stage with { Codec = sessions[0].Route.Codec };
            }

            if (sessions.Count == 1)
                await RunOneAsync(sessions[0], states, tokens, cancellationToken);
            else
                await RunTogetherAsync(sessions, states, tokens, cancellationToken);
            return sessions[0].Route;
        }
        finally
        {
            foreach (IChainSession session in sessions)
                await session.DisposeAsync();
        }
    }

    private async Task RunOneAsync(IChainSession session, float[] states, int tokens, CancellationToken cancellationToken)
    {
        Queue<ValueTask> underWay = new();
        for (int first = 0; first < tokens; first += options.Chunk)
        {
            int count = Math.Min(options.Chunk, tokens - first);
            if (underWay.Count >= session.Window)
                await underWay.Dequeue();
            Memory<float> part = states.AsMemory(first * _hidden, count * _hidden);
            underWay.Enqueue(session.ForwardAsync(part, first, count, OutputRows.All, part, cancellationToken));
        }

        while (underWay.TryDequeue(out ValueTask step))
            await step;
    }

    private async Task RunTogetherAsync(List<IChainSession> sessions, float[] states, int tokens, CancellationToken cancellationToken)
    {
        float[][] copies = [.. sessions.Select(_ => new float[Math.Min(options.Chunk, tokens) * _hidden])];
        for (int first = 0; first < tokens; first += options.Chunk)
        {
            int count = Math.Min(options.Chunk, tokens - first);
            int length = count * _hidden;
            Memory<float> part = states.AsMemory(first * _hidden, length);
            ChainStep[] steps =
            [
                .. sessions.Select((session, i) => new ChainStep(session, part, first, count, OutputRows.All, copies[i].AsMemory(0, length))),
            ];
            await model.Chain.ForwardTogetherAsync(steps, cancellationToken);
            for (int i = 1; i < copies.Length; i++)
                RequireEqual(copies[0].AsSpan(0, length), copies[i].AsSpan(0, length), i, first);
            copies[0].AsSpan(0, length).CopyTo(part.Span);
        }
    }

    private void RequireEqual(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, int session, int position)
    {
        int same = MemoryMarshal.AsBytes(expected).CommonPrefixLength(MemoryMarshal.AsBytes(actual)) / sizeof(float);
        if (same < expected.Length)
        {
            throw new CommandException(
                "Mismatch",
                $"session {session} of {options.Batch} differs from the first at position {position + (same / _hidden)}, value {same % _hidden}: {actual[same]:R}, expected {expected[same]:R}, equal bits");
        }
    }
}
