using Swarm.Models;
using Swarm.Node.Placement;
using Swarm.Protocol;
using Xunit.Abstractions;

namespace Swarm.Node.Tests.Placement;

/// <summary>Swarms that place themselves by the real rules, in virtual time.</summary>
public sealed class PlacementSimulationTests(ITestOutputHelper output)
{
    private const int Churns = 5;

    [Fact]
    public void Start_SixOfTenBlocksTogether_CoverThirtyAndAreEven()
    {
        var late = new List<string>();
        for (ulong seed = 0; seed < 2000; seed++)
        {
            var simulation = new PlacementSimulation(seed, 30);
            for (int node = 0; node < 6; node++)
                simulation.Join(10, 100, 100 * (0.6 + 0.8 * simulation.Random.NextDouble()));
            simulation.Run(15);
            if (simulation.Replicas().Min() < 1)
                late.Add($"not covered: {simulation}");
            simulation.Run(15);
            if (simulation.Replicas().Any(count => count != 2))
                late.Add($"not even: {simulation}");

            // Measured anew beside other work, equal machines stay equal.
            for (int round = 0; round < 4; round++)
            {
                foreach (SimulatedNode node in simulation.Nodes)
                    simulation.Measure(node, 100 * (0.6 + 0.8 * simulation.Random.NextDouble()));
                simulation.Run(10);
            }

            if (simulation.LastMove > TimeSpan.FromSeconds(30))
                late.Add($"moves on: {simulation}");
            late.AddRange(simulation.HolesOpened.Select(hole => $"seed {seed}: {hole}"));
        }

        Assert.True(late.Count == 0, $"{late.Count}: {string.Join('\n', late.Take(8))}");
    }

    [Theory]
    [InlineData(30, "10 10 10 10 10 10")]
    [InlineData(30, "10 10 10 10 10 10 10")]
    [InlineData(30, "7 7 7 7 7")]
    [InlineData(30, "13 9 8")]
    [InlineData(30, "15 15 15")]
    [InlineData(30, "30 5 5 5 5 5 5")]
    [InlineData(30, "20 10 6 6 6 6 6")]
    [InlineData(30, "12 12 12 12 12 12 12 12 12")]
    [InlineData(24, "16 8 8 8 4 4")]
    [InlineData(32, "3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3")]
    public void Start_TogetherFromNothing_CoversSoonAndEvenly(int blocks, string capacities)
    {
        int[] sizes = [.. capacities.Split(' ').Select(int.Parse)];
        int optimum = ReplicaOptimum.Of(sizes, blocks);
        var late = new List<string>();
        for (ulong seed = 0; seed < 60; seed++)
        {
            var simulation = new PlacementSimulation(seed, blocks);
            foreach (int size in sizes)
                simulation.Join(size, 100, 100 * (0.6 + 0.8 * simulation.Random.NextDouble()), simulation.Random.NextDouble());
            simulation.Run(25);
            if (simulation.Replicas().Min() < 1)
                late.Add($"not covered: {simulation}");
            simulation.Run(35);
            if (simulation.Replicas().Min() < optimum)
                late.Add($"optimum {optimum}: {simulation}");
            int moves = simulation.Moves;
            simulation.Run(60);
            if (simulation.Moves > moves + 1)
                late.Add($"moves on: {simulation}");
            late.AddRange(simulation.HolesOpened.Select(hole => $"seed {seed}: {hole}"));
        }

        Assert.True(late.Count == 0, $"{late.Count}: {string.Join('\n', late.Take(8))}");
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    public void Leave_AQuarterOfTwoThousandAtOnce_IsCoveredInAMinuteAndSettles(ulong seed, bool stretch)
    {
        PlacementSimulation simulation = Mixed(seed, 2000, 80);
        simulation.Run(10);
        double before = simulation.Throughput() / simulation.ThroughputBound();

        // Any quarter, or all that hold the blocks from 30 on, which leaves nobody there.
        IEnumerable<SimulatedNode> leaving = stretch
            ? simulation.Nodes.OrderBy(node => Math.Min(Math.Abs(node.Truth.Blocks.Start - 30), node.Truth.Blocks.Contains(30) ? 0 : 80))
            : simulation.Nodes.OrderBy(_ => simulation.Random.NextUInt64());
        foreach (SimulatedNode node in leaving.Take(500).ToArray())
            simulation.Kill(node);
        int holes = simulation.Replicas().Count(count => count == 0);
        TimeSpan? covered = null;
        TimeSpan left = simulation.Now;
        simulation.Run(60, () => covered ??= simulation.Replicas().Min() > 0 ? simulation.Now - left : null);
        int[] afterAMinute = simulation.Replicas();
        double share = simulation.Throughput() / simulation.ThroughputBound();
        simulation.Run(60);
        double end = simulation.Throughput() / simulation.ThroughputBound();
        int moves = simulation.Moves;
        simulation.Run(30);

        string seen = $"{before:F3} of the bound before; {holes} holes, covered after {covered?.TotalSeconds:F1} s, {share:F3} of the bound after 60 s, {end:F3} after 120 s; "
            + $"{moves} moves, {simulation.Moves - moves} later, most of a node {simulation.Nodes.Max(node => node.Moves)}; last at {(simulation.LastMove - left).TotalSeconds:F1} s; {simulation}";
        output.WriteLine(seen);
        Assert.True(afterAMinute.Min() > 0 && covered is not null, seen);
        Assert.True(end >= 0.9, seen);
        Assert.True(simulation.Moves == moves, seen);
        Assert.True(simulation.HolesOpened.Count == 0, string.Join('\n', simulation.HolesOpened.Take(5)));
        Assert.True(simulation.Nodes.Max(node => node.Moves) <= 6, seen);
    }

    [Theory]
    [InlineData(24, 12, 0.2, 1.5)]
    [InlineData(60, 40, 0.2, 1.5)]
    [InlineData(60, 40, 0.5, 4)]
    public void Churn_NodesComeAndDieAllTheTime_NoMoveOpensAHoleAndMovesAreFew(int count, int blocks, double leastDelay, double mostDelay)
    {
        var wrong = new List<string>();
        (int moves, int yields, int givenUp, int most, int deaths, double covered) sum = default;
        for (ulong seed = 0; seed < Churns; seed++)
        {
            var simulation = new PlacementSimulation(seed, blocks) { DelaySeconds = (leastDelay, mostDelay), LoadSeconds = (0.05, 0.5) };
            SeededRandomSource random = simulation.Random;
            for (int node = 0; node < count; node++)
                Join(30);

            // For ten minutes about every fourth second one dies and another comes.
            for (double time = 30; time < 630; time += 8 * random.NextDouble())
            {
                simulation.At(time, () =>
                {
                    SimulatedNode[] alive = [.. simulation.Nodes.Where(node => node.DiedAt is null)];
                    simulation.Kill(alive[(int)(random.NextUInt64() % (ulong)alive.Length)]);
                    sum.deaths++;
                    Join(5);
                });
            }

            int looks = 0;
            int whole = 0;
            for (; looks < 630; looks++)
            {
                simulation.Run(1);
                whole += simulation.Replicas().Min() > 0 ? 1 : 0;
            }

            simulation.Run(120);
            int moves = simulation.Moves;
            simulation.Run(120);
            if (simulation.Moves > moves)
                wrong.Add($"{simulation.Moves - moves} moves long after the last change: {simulation}");
            if (simulation.Replicas().Min() < 1)
                wrong.Add($"not covered in the end: {simulation}");
            if (simulation.Nodes.Max(node => node.Moves) is > 8 and int many)
                wrong.Add($"{many} moves of one node: {simulation}");
            wrong.AddRange(simulation.HolesOpened.Select(hole => $"seed {seed}: {hole}"));
            sum = (sum.moves + simulation.Moves, sum.yields + simulation.Yields, sum.givenUp + simulation.GivenUp, Math.Max(sum.most, simulation.Nodes.Max(node => node.Moves)), sum.deaths, sum.covered + (double)whole / looks / Churns);

            void Join(double within)
            {
                double speed = 100 * Math.Pow(2, random.NextDouble() * 2);
                simulation.Join(2 + (int)(random.NextUInt64() % 9), speed, speed * (0.6 + 0.8 * random.NextDouble()), within * random.NextDouble());
            }
        }

        output.WriteLine($"{sum.deaths} deaths, {sum.moves} moves, {sum.yields} yields, {sum.givenUp} given up, at most {sum.most} moves of a node, {sum.covered:P2} of the time covered");
        Assert.True(wrong.Count == 0, $"{wrong.Count}: {string.Join('\n', wrong.Take(8))}");
    }

    // Nodes of 2 to 20 blocks and of speeds that differ by a factor of 16, measured with noise, placed one after another by the rule.
    private static PlacementSimulation Mixed(ulong seed, int count, int blocks)
    {
        var simulation = new PlacementSimulation(seed, blocks) { CommonViews = true, DelaySeconds = (0.3, 3), LoadSeconds = (0.2, 0.8) };
        SeededRandomSource random = simulation.Random;
        var nodes = new List<PlacementNode>();
        for (int index = 0; index < count; index++)
        {
            int capacity = 2 + (int)(random.NextUInt64() % 19);
            double speed = 100 * Math.Pow(2, random.NextDouble() * 4);
            double measured = speed * (0.6 + 0.8 * random.NextDouble());
            BlockSpan span = PlacementRule.Choose(new PlacementSnapshot(blocks, nodes), Nodes.Joiner(1_000_000 + index, capacity) with { BlockTokensPerSecond = measured });
            nodes.Add(simulation.Serve(span, capacity, speed, measured).Truth);
        }

        return simulation;
    }
}
