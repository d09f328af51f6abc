using System.Diagnostics.Metrics;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Serving;

/// <summary>What the process and its upload limit tell of themselves when somebody asks, by OpenTelemetry's names for processes.</summary>
internal sealed class ProcessMetrics : IDisposable
{
    private readonly Meter _meter = new("Swarm.Process");

    public ProcessMetrics(UploadLimiter? limiter, Func<string?> obstacle, string version, TimeProvider time)
    {
        long start = time.GetTimestamp();
        _meter.CreateObservableCounter("process.cpu.time", CpuTime, "s", "Processor time used.");
        _meter.CreateObservableUpDownCounter("process.memory.usage", static () => Environment.WorkingSet, "By", "Physical memory in use.");
        _meter.CreateObservableGauge("process.uptime", () => time.GetElapsedTime(start).TotalSeconds, "s", "Time since the start.");
        _meter.CreateObservableGauge("swarm.node.ready", () => obstacle() is null ? 1 : 0, "{node}", "1 while the node takes work, else 0.");
        KeyValuePair<string, object?>[] build = [new("service.version", version)];
        _meter.CreateObservableGauge("swarm.build", () => new Measurement<int>(1, build), "{build}", "The program's version, as a label.");
        if (limiter is null)
            return;
        _meter.CreateObservableGauge("swarm.wire.upload.limit", () => limiter.BytesPerSecond, "By/s", "What may be sent to peers.");
        _meter.CreateObservableCounter("swarm.wire.upload.delayed", () => limiter.DelayedBytes, "By", "Bytes that had to wait for the upload limit.");
        _meter.CreateObservableCounter("swarm.wire.upload.wait", () => limiter.Waited.TotalSeconds, "s", "How long writes have waited for the upload limit.");
    }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<double>> CpuTime()
    {
        // Not on every platform that the compiler knows of.
        if (OperatingSystem.IsIOS() || OperatingSystem.IsTvOS())
            yield break;
        Environment.ProcessCpuUsage usage = Environment.CpuUsage;
        yield return new Measurement<double>(usage.UserTime.TotalSeconds, new KeyValuePair<string, object?>("cpu.mode", "user"));
        yield return new Measurement<double>(usage.PrivilegedTime.TotalSeconds, new KeyValuePair<string, object?>("cpu.mode", "system"));
    }
}
