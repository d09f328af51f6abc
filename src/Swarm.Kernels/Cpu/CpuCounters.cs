namespace Swarm.Kernels.Cpu;

/// <summary>Which path served the calls, so that a test can tell when the fast one was not taken. Counts are of calls.</summary>
public sealed class CpuCounters
{
    /// <summary>MatMul calls computed one value at a time.</summary>
    public long MatMulScalar { get; internal set; }

    /// <summary>MatMul calls on 128, 256 or 512-bit vectors.</summary>
    public long MatMulVector { get; internal set; }

    /// <summary>MatMul calls whose weights served several tokens per reading.</summary>
    public long MatMulBatched { get; internal set; }

    /// <summary>MatMul calls with quantized weights in squares of four tokens and two row vectors.</summary>
    public long MatMulSquares { get; internal set; }

    /// <summary>MatMul calls with quantized weights by dot products of four bytes.</summary>
    public long MatMulDots { get; internal set; }

    /// <summary>MatMul calls on vectors with weights in formats of integer scales, more than four bits or a table.</summary>
    public long MatMulScaled { get; internal set; }

    /// <summary>MatMul calls divided over threads.</summary>
    public long MatMulDivided { get; internal set; }

    /// <summary>Calls of three matrices over one input, in one division over threads.</summary>
    public long MatMulThree { get; internal set; }

    /// <summary>Products added where they were written.</summary>
    public long MatMulAdd { get; internal set; }

    /// <summary>Pairs of products gated where they were written.</summary>
    public long MatMulGated { get; internal set; }

    /// <summary>Calls of several matrices with rows of their own, in one division over threads.</summary>
    public long MatMulGroups { get; internal set; }

    /// <summary>Attention calls on vectors.</summary>
    public long AttentionVector { get; internal set; }

    /// <summary>Attention calls of several sessions, in one division over threads.</summary>
    public long AttentionJoined { get; internal set; }

    /// <summary>Attention calls whose pages were divided over threads, because there were fewer heads than would keep them busy.</summary>
    public long AttentionByPages { get; internal set; }

    /// <summary>Queries, once for each page, that were scored several to a reading of its keys.</summary>
    public long AttentionShared { get; internal set; }
}
