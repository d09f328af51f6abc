namespace Swarm.Node.Metrics;

/// <summary>What Prometheus distinguishes.</summary>
internal enum MetricKind
{
    /// <summary>Only rises.</summary>
    Counter,

    /// <summary>Rises and falls.</summary>
    Gauge,

    /// <summary>How often which sizes came.</summary>
    Histogram,
}
