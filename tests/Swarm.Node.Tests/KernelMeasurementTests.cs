using Swarm.Kernels;
using Swarm.Node.Measurement;

namespace Swarm.Node.Tests;

public sealed class KernelMeasurementTests
{
    [Fact]
    public void Run_OneFormat_GivesFloorsThenKernelsWithTheirShares()
    {
        KernelFigure[] figures = [.. new KernelMeasurement(TimeProvider.System).Run(1, 1 << 20, [WeightFormat.Q4_0])];
        Assert.Equal(["read", "multiply-add", "multiply-add", "decode", "batch", "prefill"], figures.Select(figure => figure.Name));
        Assert.All(figures, figure => Assert.True((figure.BytesPerSecond ?? figure.FlopsPerSecond) > 0));
        Assert.All(figures, figure => Assert.True(figure.FloorFraction > 0));
        Assert.All(figures, figure => Assert.NotEqual(figure.BytesPerSecond is null, figure.FlopsPerSecond is null));
        Assert.Equal(["bytes", "F32", "Int8", "Q4_0", "Q4_0", "Q4_0"], figures.Select(figure => figure.Type));
    }
}
