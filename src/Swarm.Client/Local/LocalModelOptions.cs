using Swarm.Kernels;
using Swarm.Models;

namespace Swarm.Client;

/// <summary>What a model in this process is loaded with.</summary>
public sealed record LocalModelOptions
{
    /// <summary>The model; disposed with the <see cref="LocalModel"/>.</summary>
    public required ModelSource Source { get; init; }

    /// <summary>Who computes; disposed with the <see cref="LocalModel"/>.</summary>
    public required KernelSet Kernels { get; init; }

    /// <summary>Most positions of a session. Default: the model's context.</summary>
    public int? Context { get; init; }

    /// <summary>Bytes for keys and values of all sessions. Default: as many as are asked for.</summary>
    public long? CacheBytes { get; init; }

    /// <summary>Called after each block loaded: blocks done, blocks in all.</summary>
    public Action<int, int>? Progress { get; init; }

    /// <summary>Told the bytes of tensors that have come from elsewhere so far.</summary>
    public Action<long>? Fetched { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
