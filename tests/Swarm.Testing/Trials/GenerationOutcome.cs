using System.Diagnostics;
using System.Text.Json;
using Swarm.Testing.Processes;

namespace Swarm.Testing.Trials;

/// <summary>What a run of <c>generate --json</c> said, and when.</summary>
public sealed class GenerationOutcome
{
    private readonly JsonElement _last;

    public GenerationOutcome(SwarmResult result)
    {
        Result = result;
        List<OutputLine> tokens = [];
        List<JsonElement> recoveries = [];
        foreach (OutputLine line in result.Lines)
        {
            _last = JsonElement.Parse(line.Text);
            switch (_last.GetProperty("event").GetString())
            {
                case "route":
                    RouteAt ??= line.At;
                    break;
                case "token":
                    tokens.Add(line);
                    break;
                case "recovery":
                    recoveries.Add(_last);
                    break;
            }
        }

        TokenTimes = [.. tokens.Select(line => line.At)];
        Recoveries = recoveries;
    }

    public SwarmResult Result { get; }

    /// <summary>When the chain was open first.</summary>
    public long? RouteAt { get; }

    /// <summary>When each token came.</summary>
    public IReadOnlyList<long> TokenTimes { get; }

    /// <summary>The <c>recovery</c> events.</summary>
    public IReadOnlyList<JsonElement> Recoveries { get; }

    /// <summary>The <c>done</c> event; default when the run failed.</summary>
    public JsonElement Done => IsDone ? _last : default;

    public bool IsDone => _last.ValueKind == JsonValueKind.Object && _last.GetProperty("event").GetString() == "done";

    /// <summary>The tokens of <c>done</c>; those that came, when the run failed.</summary>
    public string Tokens => IsDone
        ? _last.GetProperty("tokens").GetRawText()
        : "[" + string.Join(',', Result.Lines.Select(line => JsonElement.Parse(line.Text)).Where(json => json.GetProperty("event").GetString() == "token").Select(json => json.GetProperty("id").GetRawText())) + "]";

    /// <summary>Times between one token and the next.</summary>
    public IEnumerable<TimeSpan> Gaps => TokenTimes.Zip(TokenTimes.Skip(1), Stopwatch.GetElapsedTime);

    public TimeSpan LongestGap => Gaps.DefaultIfEmpty().Max();

    public TimeSpan MedianGap => Figures.Median(Gaps);

    /// <summary>What the recoveries made nodes behind the lost ones compute again; 0 as long as their caches were kept.</summary>
    public long RecomputedDownstreamTokens => Recoveries.Sum(recovery => recovery.GetProperty("recomputedDownstreamTokens").GetInt64());

    /// <summary>How often the chain was opened anew.</summary>
    public int Epoch => Recoveries.Count == 0 ? 0 : Recoveries[^1].GetProperty("epoch").GetInt32();

    public long ReplayedTokens => Recoveries.Sum(recovery => recovery.GetProperty("replayedTokens").GetInt64());

    /// <summary>What went wrong, in a line; empty for a run that ended well.</summary>
    public string Failure => IsDone ? "" : $"exit {Result.ExitCode}: {(Result.Error.Length > 0 ? Result.Error.Trim() : Result.Output)}";
}
