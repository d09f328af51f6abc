namespace Swarm.Node.Measurement;

/// <summary>
/// How fast this node computes: seconds that a token's pass through one block takes. A probe on the real blocks gives the first figure; passes that really run keep it current, so
/// that a machine that others load announces what it gives now. Short passes only (decode): long ones are bound by arithmetic and say nothing about a token's time. Rules only; safe
/// to use from several threads.
/// </summary>
public sealed class SpeedMeter
{
    /// <summary>A pass of at most so many tokens is decode.</summary>
    public const int DecodeTokens = 8;

    /// <summary>What an observation weighs: some twenty passes make a new figure.</summary>
    private const double Weight = 0.05;

    /// <summary>One pass that was held up counts no more than this times the figure.</summary>
    private const double MostFactor = 4;

    private readonly Lock _lock = new();
    private double _secondsPerBlock;
    private double _queueSeconds;

    /// <summary>Seconds of a decode pass in one block; 0 while nothing was measured.</summary>
    public double SecondsPerBlock
    {
        get
        {
            lock (_lock)
                return _secondsPerBlock;
        }
    }

    /// <summary>Decode tokens a second of one session over so many blocks; 0 while nothing was measured.</summary>
    public double TokensPerSecond(int blocks)
    {
        double seconds = SecondsPerBlock;
        return seconds > 0 && blocks > 0 ? 1 / (seconds * blocks) : 0;
    }

    /// <summary>A probe over the blocks as they are now served replaces the figure.</summary>
    public void Probed(double seconds, int blocks)
    {
        if (!(seconds > 0) || blocks < 1)
            return;
        lock (_lock)
            _secondsPerBlock = seconds / blocks;
    }

    /// <summary>A pass ran.</summary>
    public void Observe(TimeSpan elapsed, int blocks, int tokens)
    {
        if (elapsed <= TimeSpan.Zero || blocks < 1 || tokens is < 1 or > DecodeTokens)
            return;
        double seconds = elapsed.TotalSeconds / blocks;
        lock (_lock)
        {
            _secondsPerBlock = _secondsPerBlock > 0
                ? _secondsPerBlock + Weight * (Math.Min(seconds, MostFactor * _secondsPerBlock) - _secondsPerBlock)
                : seconds;
        }
    }

    /// <summary>Seconds that a step waited for the device lately.</summary>
    public double QueueSeconds
    {
        get
        {
            lock (_lock)
                return _queueSeconds;
        }
    }

    /// <summary>A step has waited for the device.</summary>
    public void Waited(TimeSpan queue)
    {
        if (queue < TimeSpan.Zero)
            return;
        lock (_lock)
            _queueSeconds += Weight * (queue.TotalSeconds - _queueSeconds);
    }
}
