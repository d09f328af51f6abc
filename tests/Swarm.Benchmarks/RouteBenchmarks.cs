using BenchmarkDotNet.Attributes;
using Swarm.Client;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Directory;

namespace Swarm.Benchmarks;

/// <summary>Planning a route over 2,000 nodes of 80 blocks, each with 16 measured links.</summary>
[MemoryDiagnoser]
public class RouteBenchmarks
{
    private const int Nodes = 2000, Blocks = 80;
    private readonly SeededRandomSource _random = new(1);
    private RouteCandidate[] _candidates = [];

    /// <summary>Blocks of a node.</summary>
    [Params(10, 40)]
    public int Span { get; set; } = 10;

    [GlobalSetup]
    public void Setup()
    {
        PeerId[] peers = [.. Enumerable.Range(0, Nodes).Select(_ => Draw())];
        _candidates = [.. peers.Select(peer =>
        {
            int start = (int)(_random.NextUInt64() % (Blocks - (ulong)Span + 1));
            return new RouteCandidate(peer, "127.0.0.1:1", new BlockSpan(start, start + Span))
            {
                BlockTime = TimeSpan.FromMilliseconds(1 + 9 * _random.NextDouble()),
                QueueTime = TimeSpan.FromMilliseconds(5 * _random.NextDouble()),
                Sessions = (int)(_random.NextUInt64() % 8),
                RoundTrip = _random.NextDouble() < 0.1 ? TimeSpan.FromMilliseconds(100 * _random.NextDouble()) : null,
                Links = [.. Enumerable.Range(0, 16).Select(_ => new LinkMeasurement(peers[(int)(_random.NextUInt64() % Nodes)], TimeSpan.FromMilliseconds(100 * _random.NextDouble())))],
            };
        })];
    }

    [Benchmark]
    public int Latency() => RoutePlanner.Plan(_candidates, new BlockSpan(0, Blocks), 1000).Count;

    [Benchmark]
    public int Throughput() => RoutePlanner.Plan(_candidates, new BlockSpan(0, Blocks), 1000, RouteMode.Throughput, _random).Count;

    private PeerId Draw()
    {
        byte[] bytes = new byte[PeerId.Length];
        _random.Fill(bytes);
        return new PeerId(bytes);
    }
}
