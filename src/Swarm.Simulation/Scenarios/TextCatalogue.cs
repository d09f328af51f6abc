using Swarm.Client;
using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Models.Sampling;
using Swarm.Protocol;

namespace Swarm.Simulation;

/// <summary>The generations that clients ask for, and what they are when nothing disturbs them: the same model in this process. Safe for calls at the same time.</summary>
public sealed class TextCatalogue : IAsyncDisposable
{
    /// <summary>Different generations.</summary>
    public const int Entries = 32;

    /// <summary>Most tokens of one.</summary>
    public const int MostTokens = 48;

    /// <summary>Ids with which all prompts begin that are longer than a page.</summary>
    private const int CommonBeginning = 180;

    private static readonly int[] PromptLengths = [1, 3, 7, 16, 33, 64, 100, 130, 200, 300];

    private readonly LocalModel _model;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, IReadOnlyList<int>> _texts = [];

    public TextCatalogue(string model) => _model = LocalModel.Load(new LocalModelOptions { Source = ModelSource.Open(model), Kernels = new CpuKernels(1) });

    /// <summary>Blocks of the model.</summary>
    public int Blocks => _model.Config.Blocks;

    /// <summary>The prompt of an entry. Those longer than a page begin alike, so that later sessions of a client find what earlier ones left.</summary>
    public int[] Prompt(int entry)
    {
        int length = PromptLengths[entry % PromptLengths.Length];
        int Text(int index) => length > ChainLimits.PagePositions && index < CommonBeginning ? 0 : entry;
        return [.. Enumerable.Range(0, length).Select(index => ((Text(index) * 97) + (index * (31 + Text(index)))) % _model.Config.Vocabulary)];
    }

    /// <summary>How it is continued: every other is sampled, every fourth rounds what travels.</summary>
    public GenerationOptions Options(int entry, int tokens) => new()
    {
        MaxTokens = tokens,
        StopAtEndOfSequence = false,
        Sampling = entry % 2 == 0 ? SamplingOptions.Greedy : new SamplingOptions { Temperature = 0.9f, TopK = 40, Seed = (ulong)entry },
        Codec = entry % 4 == 3 ? "f16" : "f32",
        RoundAt = entry % 4 == 3 ? [Blocks / 2] : null,
    };

    /// <summary>The first tokens of the undisturbed continuation.</summary>
    public IReadOnlyList<int> Text(int entry, int tokens)
    {
        lock (_lock)
        {
            if (!_texts.TryGetValue(entry, out IReadOnlyList<int>? text))
            {
                SynchronizationContext? before = SynchronizationContext.Current;
                SynchronizationContext.SetSynchronizationContext(null);
                text = _model.GenerateAsync(Prompt(entry), Options(entry, MostTokens)).CompleteAsync().GetAwaiter().GetResult().Tokens;
                SynchronizationContext.SetSynchronizationContext(before);
                _texts.Add(entry, text);
            }

            return [.. text.Take(tokens)];
        }
    }

    public ValueTask DisposeAsync() => _model.DisposeAsync();
}
