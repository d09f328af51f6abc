using System.Diagnostics.Metrics;
using Swarm.Node.Metrics;

namespace Swarm.Node.Tests.Metrics;

/// <summary>Prometheus' text format against its rules, from instruments of the test's own.</summary>
public sealed class MetricsCollectorTests : IDisposable
{
    private static readonly KeyValuePair<string, object?> Kind = new("kind", "a");

    private readonly Meter _meter = new($"Test.{Interlocked.Increment(ref _count)}");
    private readonly MetricsCollector _collector;
    private static int _count;

    public MetricsCollectorTests() => _collector = new MetricsCollector(name => name == _meter.Name);

    public void Dispose()
    {
        _collector.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void Collect_OfACounter_HasHelpTypeUnitAndTotal()
    {
        Counter<long> counter = _meter.CreateCounter<long>("swarm.wire.sent", "By", "Bytes sent.");
        counter.Add(3);
        counter.Add(4);
        Assert.Equal("# HELP swarm_wire_sent_bytes_total Bytes sent.\n# TYPE swarm_wire_sent_bytes_total counter\nswarm_wire_sent_bytes_total 7\n", _collector.Collect());
    }

    [Fact]
    public void Collect_OfLabels_SortsAndEscapesThem()
    {
        Counter<long> counter = _meter.CreateCounter<long>("calls", "{call}");
        counter.Add(1, new KeyValuePair<string, object?>("z.last", "back\\slash"), new KeyValuePair<string, object?>("a-first", "a \"quote\"\nand a line"));
        counter.Add(1, new KeyValuePair<string, object?>("a-first", "a \"quote\"\nand a line"), new KeyValuePair<string, object?>("z.last", "back\\slash"));
        Assert.Equal("# TYPE calls_total counter\ncalls_total{a_first=\"a \\\"quote\\\"\\nand a line\",z_last=\"back\\\\slash\"} 2\n", _collector.Collect());
    }

    [Fact]
    public void Collect_OfAHistogram_IsCumulativeAndEndsAtInfinity()
    {
        Histogram<double> histogram = _meter.CreateHistogram(
            "step.duration", "s", "Steps\nand \\ more.", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1, 2.5] });
        foreach (double value in (double[])[0.5, 0.25, 1.5, 9])
            histogram.Record(value, Kind);
        Assert.Equal(
            """
            # HELP step_duration_seconds Steps\nand \\ more.
            # TYPE step_duration_seconds histogram
            step_duration_seconds_bucket{kind="a",le="0.5"} 2
            step_duration_seconds_bucket{kind="a",le="1"} 2
            step_duration_seconds_bucket{kind="a",le="2.5"} 3
            step_duration_seconds_bucket{kind="a",le="+Inf"} 4
            step_duration_seconds_sum{kind="a"} 11.25
            step_duration_seconds_count{kind="a"} 4

            """.ReplaceLineEndings("\n"),
            _collector.Collect());
    }

    [Fact]
    public void Collect_OfObservables_AsksAnewEachTime()
    {
        long value = 5;
        bool gone = false;
        _meter.CreateObservableUpDownCounter("sessions", () => gone ? Array.Empty<Measurement<long>>() : [new Measurement<long>(value)], "{session}");
        Assert.Equal("# TYPE sessions gauge\nsessions 5\n", _collector.Collect());
        value = 2;
        Assert.Equal("# TYPE sessions gauge\nsessions 2\n", _collector.Collect());
        gone = true;
        Assert.Equal("", _collector.Collect());
    }

    [Fact]
    public void Collect_OfTwoObservablesOfOneName_AddsThemUp()
    {
        _meter.CreateObservableCounter("sent", () => 5L);
        _meter.CreateObservableCounter("sent", () => 7L);
        Assert.Equal("# TYPE sent_total counter\nsent_total 12\n", _collector.Collect());
        Assert.Equal("# TYPE sent_total counter\nsent_total 12\n", _collector.Collect());
    }

    [Fact]
    public void Collect_OfAnObservableThatThrows_TellsTheOthers()
    {
        _meter.CreateObservableGauge("broken", long () => throw new ObjectDisposedException("node"));
        _meter.CreateObservableGauge("whole", () => 1L);
        Assert.Equal("# TYPE whole gauge\nwhole 1\n", _collector.Collect());
    }

    [Fact]
    public void Collect_OfGaugeAndUpDownCounter_SetsAndAdds()
    {
        Gauge<double> gauge = _meter.CreateGauge<double>("share", "1");
        UpDownCounter<int> level = _meter.CreateUpDownCounter<int>("level");
        gauge.Record(0.25);
        gauge.Record(double.PositiveInfinity);
        level.Add(5);
        level.Add(-2);
        Assert.Equal("# TYPE level gauge\nlevel 3\n# TYPE share_ratio gauge\nshare_ratio +Inf\n", _collector.Collect());
    }

    [Fact]
    public void Collect_OfLabelsWithoutEnd_StopsAtTheLimit()
    {
        Counter<long> counter = _meter.CreateCounter<long>("calls");
        for (int i = 0; i < 10 * MetricFamily.MaxSeries; i++)
            counter.Add(1, new KeyValuePair<string, object?>("peer", i));
        string[] lines = _collector.Collect().TrimEnd('\n').Split('\n');
        Assert.Equal(MetricFamily.MaxSeries + 2, lines.Length);
        Assert.Contains($"calls_total{{otel_metric_overflow=\"true\"}} {9 * MetricFamily.MaxSeries}", lines);
    }

    [Theory]
    [InlineData("process.cpu.time", "s", "Counter", "process_cpu_time_seconds_total")]
    [InlineData("requests.total", "{request}", "Counter", "requests_total")]
    [InlineData("memory_bytes", "By", "Gauge", "memory_bytes")]
    [InlineData("upload.limit", "By/s", "Gauge", "upload_limit_bytes_per_second")]
    [InlineData("sessions", "{session}/s", "Gauge", "sessions_per_second")]
    [InlineData("utilization", "1", "Gauge", "utilization_ratio")]
    [InlineData("attempts", "1", "Counter", "attempts_total")]
    [InlineData("9.lives--left", "", "Gauge", "_9_lives_left")]
    public void Metric_ByOpenTelemetrysName_IsPrometheus(string name, string unit, string kind, string expected) =>
        Assert.Equal(expected, PrometheusNames.Metric(name, unit, Enum.Parse<MetricKind>(kind)));

    [Fact]
    public void Record_IntoAKnownSeries_AllocatesNothing()
    {
        Counter<long> counter = _meter.CreateCounter<long>("tokens");
        Histogram<double> histogram = _meter.CreateHistogram<double>("steps", "s");
        Record();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            Record();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Record()
        {
            counter.Add(1, Kind);
            histogram.Record(0.1, Kind);
        }
    }

    [Fact]
    public void StepDone_WhileSomebodyListens_AllocatesNothingAndIsCounted()
    {
        using var collector = new MetricsCollector(name => name == NodeMeter.Name);
        NodeMeter.StepDone(1, TimeSpan.FromMilliseconds(1), TimeSpan.Zero);
        NodeMeter.StepDone(7, TimeSpan.FromMilliseconds(1), TimeSpan.Zero);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            NodeMeter.StepDone(1, TimeSpan.FromMilliseconds(1), TimeSpan.Zero);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        string text = collector.Collect();
        Assert.Matches("swarm_node_tokens_total\\{swarm_step_kind=\"decode\"\\} \\d{4,}\n", text);
        Assert.Matches("swarm_node_step_duration_seconds_count\\{swarm_step_kind=\"prefill\"\\} \\d+\n", text);
    }
}
