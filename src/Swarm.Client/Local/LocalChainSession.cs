using System.Diagnostics.CodeAnalysis;
using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>A session of <see cref="LocalBlockChain"/>.</summary>
internal sealed class LocalChainSession(LocalBlockChain chain, SessionShape shape, KvCache cache) : IChainSession
{
    private double _computeSeconds;
    private long _steps;
    private long _tokens;

    public BlockSpan Blocks => shape.Blocks;

    public int Length { get; private set; }

    public int MaxPositions => shape.MaxPositions;

    public int Window => 1;

    public bool IsUsable { get; private set; } = true;

    public ChainRoute Route { get; } = new([new ChainHop(null, "local", shape.Blocks)], shape.RoundingPoints, shape.Codec.Name, 0);

    public ChainFigures Figures =>
        new(_steps, 0, 0, [new HopFigures(null, "local", shape.Blocks, _computeSeconds, 0, 0, 0, 0, 0, _tokens, _steps)]);

    public bool TryTakeRecovery([NotNullWhen(true)] out ChainRecovery? recovery)
    {
        recovery = null;
        return false;
    }

    public int ResumeAt(int position) => cache.ResumeAt(position);

    internal SessionShape Shape => shape;

    internal KvCache Cache => cache;

    public ValueTask ForwardAsync(
        ReadOnlyMemory<float> hidden, int position, int count, OutputRows outputs, Memory<float> result,
        CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        chain.Forward([new ChainStep(this, hidden, position, count, outputs, result)]);
        return default;
    }

    public ValueTask ForwardIdsAsync(ReadOnlyMemory<int> ids, int position, Memory<int> next, CancellationToken cancellationToken = default) =>
        throw new SwarmException(FaultKind.InvalidArgument, "token ids: expected hidden states, the session has local ends");

    public ValueTask DisposeAsync()
    {
        IsUsable = false;
        cache.Dispose();
        return default;
    }

    internal void Check(int position, int count)
    {
        ObjectDisposedException.ThrowIf(!IsUsable, this);
        StepRules.Check(position, count, Length, MaxPositions);
    }

    internal void Advance(int length, int count, TimeSpan elapsed)
    {
        Length = length;
        _steps++;
        _tokens += count;
        _computeSeconds += elapsed.TotalSeconds;
    }
}
