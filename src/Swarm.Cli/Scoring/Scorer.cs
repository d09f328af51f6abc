using Swarm.Cli.Framework;
using Swarm.Client;
using Swarm.Models;
using Swarm.Models.Files;

namespace Swarm.Cli.Scoring;

/// <summary>
/// Runs ids through a model in passes of some positions and takes the loss of each next token. What is held is the text's hidden states and a few
/// rows of logits, which go to the file as they come.
/// </summary>
internal sealed class Scorer(LanguageModel model, ScoreOptions options, TimeProvider time)
{
    /// <summary>Rows of logits computed at once: bounds memory at rows × vocabulary.</summary>
    private const int LogitRows = 16;

    private readonly int _hidden = model.Config.Hidden;
    private readonly int _vocabulary = model.Config.Vocabulary;

    /// <exception cref="Protocol.SwarmException">What the chain reports; ContextExceeded before anything is computed.</exception>
    public async Task<ScoreResult> RunAsync(int[] ids, CancellationToken cancellationToken)
    {
        Check(ids);
        if (options.LogitsPath is not { } path)
            return await RunAsync(ids, null, cancellationToken);
        using SafetensorsWriter writer = new(path, Tensors(ids.Length));
        try
        {
            return await RunAsync(ids, writer, cancellationToken);
        }
        catch
        {
            // Half a file looks like a whole one: its size is set first.
            writer.Dispose();
            File.Delete(path);
            throw;
        }
    }

    /// <summary>−log softmax(logits)[id], in double.</summary>
    internal static double Loss(ReadOnlySpan<float> logits, int id)
    {
        float maximum = float.NegativeInfinity;
        foreach (float value in logits)
            maximum = Math.Max(maximum, value);
        double sum = 0;
        foreach (float value in logits)
            sum += Math.Exp((double)value - maximum);
        return Math.Log(sum) + maximum - logits[id];
    }

    private async Task<ScoreResult> RunAsync(int[] ids, SafetensorsWriter? writer, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        float[] hidden = new float[(long)ids.Length * _hidden];
        model.Ends.Embed(ids, 0, hidden);
        ChainRoute route = await new BlockRunner(model, options).RunAsync(
            hidden, ids.Length, (boundary, values) => writer?.Write($"hidden.{boundary}", 0, values), cancellationToken);

        double[] loss = new double[ids.Length - 1];
        float[] logits = new float[Math.Min(LogitRows, ids.Length) * _vocabulary];
        for (int first = 0; first < ids.Length; first += LogitRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int rows = Math.Min(LogitRows, ids.Length - first);
            Span<float> values = logits.AsSpan(0, rows * _vocabulary);
            model.Ends.Logits(hidden.AsSpan(first * _hidden, rows * _hidden), rows, values);
            writer?.Write("logits", (long)first * _vocabulary, values);
            for (int position = first; position < first + rows && position + 1 < ids.Length; position++)
                loss[position] = Loss(values.Slice((position - first) * _vocabulary, _vocabulary), ids[position + 1]);
        }

        if (options.WithHidden)
        {
            model.Ends.FinalNorm(hidden, ids.Length, hidden);
            writer?.Write($"hidden.{model.Config.Blocks}", 0, hidden);
        }

        return new ScoreResult(loss, time.GetElapsedTime(start).TotalSeconds, route);
    }

    private void Check(int[] ids)
    {
        if (ids.Length == 0)
            throw new CommandException(nameof(ModelError.InvalidArgument), "text: 0 tokens, expected at least 1");
        if (ids.Length > model.Context)
        {
            throw new CommandException(
                nameof(ModelError.ContextExceeded), $"text: {ids.Length} tokens, expected at most {model.Context} (the context is the window)");
        }

        foreach (int id in ids)
        {
            if ((uint)id >= (uint)_vocabulary)
                throw new CommandException(nameof(ModelError.InvalidArgument), $"token id: {id}, expected 0 to {_vocabulary - 1}");
        }
    }

    private List<(string Name, long[] Shape)> Tensors(int tokens)
    {
        List<(string Name, long[] Shape)> tensors = [("logits", [tokens, _vocabulary])];
        for (int block = 0; options.WithHidden && block <= model.Config.Blocks; block++)
            tensors.Add(($"hidden.{block}", [tokens, _hidden]));
        return tensors;
    }
}
