using Polly;
using Polly.Retry;
using Swarm.Models;

namespace Swarm.Hub;

/// <summary>Makes a request again where that may help: bounded, ever later, spread by chance, and never sooner than the hub asks.</summary>
internal sealed class Retrying
{
    private readonly HubOptions _options;
    private readonly ResiliencePipeline _pipeline;

    /// <param name="options">How often and when.</param>
    /// <param name="retries">Tries beside the first.</param>
    public Retrying(HubOptions options, int retries)
    {
        _options = options;
        Tries = retries + 1;
        _pipeline = retries == 0 ? ResiliencePipeline.Empty : new ResiliencePipelineBuilder { TimeProvider = options.Time }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is TransientException transient && (transient.After ?? TimeSpan.Zero) <= options.LongestWait),
                MaxRetryAttempts = retries,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = options.FirstWait,
                MaxDelay = options.LongestWait,
                Randomizer = options.Random,
                DelayGenerator = static arguments => ValueTask.FromResult((arguments.Outcome.Exception as TransientException)?.After),
            })
            .Build();
    }

    private int Tries { get; }

    /// <summary>Runs a request until it succeeds.</summary>
    /// <exception cref="ModelException">HubUnreachable: it did not, with what was seen last; others as the request throws them.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> request, CancellationToken cancellationToken)
    {
        try
        {
            return await _pipeline.ExecuteAsync(async token => await request(token), cancellationToken);
        }
        catch (TransientException exception)
        {
            string how = exception.After is { } after && after > _options.LongestWait ? $"{exception.Message}; it asks to come back after {after.TotalSeconds:0} s" : $"{exception.Message} ({Tries} tries)";
            throw new ModelException(ModelError.HubUnreachable, how, exception);
        }
    }
}
