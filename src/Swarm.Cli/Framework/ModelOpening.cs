using Spectre.Console;
using Swarm.Cli.Home;
using Swarm.Client;
using Swarm.Kernels;
using Swarm.Kernels.Codecs;
using Swarm.Kernels.Cpu;
using Swarm.Kernels.Reference;
using Swarm.Models;
using Swarm.Models.Tokenizers;
using Swarm.Protocol;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Framework;

/// <summary>Opens models as the shared flags say: files, kernels, in this process or in a swarm.</summary>
internal static class ModelOpening
{
    public static readonly Setting<int[]?> RoundAt =
        new("round-at", "A,B", "round by the codec at these block boundaries (default: between nodes)", Values.Integers, null, inputOnly: true);

    public static readonly Setting<RouteMode> Route =
        new("route", "latency|throughput", "the quickest nodes for one text (default), or sessions spread over all", ReadRoute, RouteMode.Latency);

    /// <summary>Of the commands that only generate: everything else needs logits.</summary>
    public static readonly Setting<EndsMode> Ends =
        new("ends", "local|swarm", "embedding and head in this process (default), or at the nodes: a thin client", ReadEnds, EndsMode.Local);

    /// <summary>Of the commands that only generate.</summary>
    public static readonly Setting<bool> NoPrefixCache =
        Setting<bool>.Switch("no-prefix-cache", "leave nothing at the nodes for later texts with the same beginning, and be a stranger to them");

    /// <summary>Flags of every command that runs a model.</summary>
    public static IReadOnlyList<ISetting> Settings { get; } =
    [
        CommonSettings.Model, CommonSettings.Weights, CommonSettings.Join, CommonSettings.Dial, CommonSettings.Local, CommonSettings.Threads, CommonSettings.Context,
        CommonSettings.Reference, Route,
    ];

    /// <summary>The model that --model names, in the format of weights that --weights says: on this machine, or at a hub, from where tensors come when they are asked for.</summary>
    /// <exception cref="ModelException">ModelNotFound, CorruptModel, UnsupportedModel; of a hub also Gated, Unauthorized, HubUnreachable.</exception>
    public static async Task<ModelSource> OpenModelAsync(this CommandContext context)
    {
        string model = context.Get(CommonSettings.Model);
        ModelSource source = HubModels.ReferenceOf(model) is { } reference
            ? await HubModels.OpenAsync(context, reference)
            : ModelSource.Open(model, ModelFolders.Find(AppContext.BaseDirectory));
        return source.WithWeights(context.Get(CommonSettings.Weights));
    }

    /// <summary>The kernels that --threads and --reference ask for, after the known answers of their operations were checked; those of weight formats follow before the first matrix of each.</summary>
    /// <exception cref="NumericsException">This machine computes something else than the numerics class says.</exception>
    public static KernelSet CreateKernels(CommandContext context, bool reference)
    {
        int threads = context.Get(CommonSettings.Threads);
        KernelSet kernels = reference ? new ReferenceKernels(threads) : new CpuKernels(threads);
        try
        {
            SelfTest.Run(kernels, withFormats: false);
            return kernels;
        }
        catch
        {
            kernels.Dispose();
            throw;
        }
    }

    /// <summary>The model in this process, or its ends here and its blocks in a swarm.</summary>
    public static async Task<LanguageModel> OpenAsync(CommandContext context, EndsMode ends = EndsMode.Local) =>
        context.Get(CommonSettings.Local)
            ? await LoadLocalAsync(context)
            : await ConnectAsync(context, SwarmChoice.Require(context).Invite, ends);

    /// <summary>The same for a command that has <see cref="Ends"/>: the swarm may have the ends as well.</summary>
    /// <exception cref="UsageException">--local with --ends swarm: there is no swarm to have them.</exception>
    public static Task<LanguageModel> OpenForGeneratingAsync(CommandContext context)
    {
        EndsMode ends = context.Get(Ends);
        if (ends == EndsMode.Swarm && context.Get(CommonSettings.Local))
            throw new UsageException("--local and --ends swarm contradict each other: --local is a model without a swarm");
        if (context.Get(CommonSettings.Local))
            return OpenAsync(context, ends);
        SwarmInvite invite = SwarmChoice.Require(context).Invite;
        return ConnectAsync(context, invite, ends, context.Get(NoPrefixCache) ? null : KeyFile.OpenClient(context.Home, invite.Swarm));
    }

    /// <summary>The model's blocks in the swarm of an invite, its ends in this process or there.</summary>
    public static Task<LanguageModel> ConnectAsync(CommandContext context, string invite, EndsMode ends = EndsMode.Local) =>
        ConnectAsync(context, SwarmInvite.Parse(invite), ends);

    // With a key, which is disposed with the model, nodes know the client again.
    private static async Task<LanguageModel> ConnectAsync(CommandContext context, SwarmInvite invite, EndsMode ends, PeerKey? key = null)
    {
        KernelSet kernels = CreateKernels(context, context.Get(CommonSettings.Reference));
        SwarmClientOptions options;
        try
        {
            PeerAddress? dial = context.Get(CommonSettings.Dial);
            options = new SwarmClientOptions
            {
                Invite = invite.ToText(),
                Key = key,
                OwnsKey = true,
                Source = await OpenSwarmModelAsync(context, invite, kernels.NumericsClass, dial is { } address ? [address] : invite.Addresses),
                Kernels = kernels,
                Dial = dial,
                Context = context.Get(CommonSettings.Context),
                Route = context.Get(Route),
                Ends = ends,
                Time = context.Time,
            };
        }
        catch
        {
            kernels.Dispose();
            key?.Dispose();
            throw;
        }

        if (!context.ShowsProgress)
            return await SwarmClient.ConnectAsync(options, context.Interrupts.Polite);
        return await context.ErrorConsole.Progress().AutoClear(true).StartAsync(async progress =>
        {
            ProgressTask? bar = null;
            return await SwarmClient.ConnectAsync(
                options with
                {
                    Fetched = (bytes, of) =>
                    {
                        bar ??= progress.AddTask($"fetching {Sizes.Bytes(of)} of the model's ends", maxValue: of);
                        bar.Value = bytes;
                    },
                },
                context.Interrupts.Polite);
        });
    }

    /// <summary>
    /// The model that --model names; else the swarm's: from this machine's files where they are the same, else what of it is needed from its nodes, kept in the home.
    /// </summary>
    /// <exception cref="SwarmException">As <see cref="SwarmModel.OpenAsync"/>.</exception>
    /// <exception cref="CommandException">ModelMismatch: --weights says another format than the swarm serves.</exception>
    public static async Task<ModelSource> OpenSwarmModelAsync(CommandContext context, SwarmInvite invite, string numericsClass, IReadOnlyList<PeerAddress> bootstrap)
    {
        if (context.IsGiven(CommonSettings.Model))
            return await context.OpenModelAsync();
        ModelSource source = await SwarmModel.OpenAsync(
            new SwarmModelOptions
            {
                Invite = invite,
                Folder = context.Home.TensorsPath,
                NumericsClass = numericsClass,
                AtHand = () => TryOpenDefault(context),
                Bootstrap = [.. bootstrap.Select(address => (PeerEndpoint)address)],
                Time = context.Time,
            },
            context.Interrupts.Polite);
        if (context.Get(CommonSettings.Weights) is not { } asked || source.Weights == asked)
            return source;
        using (source)
        {
            throw new CommandException(
                nameof(FaultKind.ModelMismatch), $"--weights {WeightFormats.Name(asked)}, but the swarm serves {source.Name} with weights {ModelIdentity.WeightsName(source.Weights)}");
        }
    }

    private static ModelSource? TryOpenDefault(CommandContext context)
    {
        try
        {
            return ModelSource.Open(CommonSettings.DefaultModel, ModelFolders.Find(AppContext.BaseDirectory)).WithWeights(context.Get(CommonSettings.Weights));
        }
        catch (ModelException exception) when (exception.Error == ModelError.ModelNotFound)
        {
            return null;
        }
    }

    /// <summary>The whole model in this process; a bar shows its loading.</summary>
    public static async Task<LocalModel> LoadLocalAsync(CommandContext context) => await LoadLocalAsync(context, await context.OpenModelAsync());

    /// <summary>The same of given files, which it takes over.</summary>
    public static async Task<LocalModel> LoadLocalAsync(CommandContext context, ModelSource source)
    {
        try
        {
            KernelSet kernels = CreateKernels(context, context.Get(CommonSettings.Reference));
            LocalModelOptions options = new()
            {
                Source = source,
                Kernels = kernels,
                Context = context.Get(CommonSettings.Context),
                Time = context.Time,
            };
            if (!context.ShowsProgress)
                return await LocalModel.LoadAsync(options, context.Interrupts.Polite);
            long missing = source.Tensors.MissingBytes(source.Tensors.Tensors);
            return await context.ErrorConsole.Progress().AutoClear(true).StartAsync(async progress =>
            {
                ProgressTask? fetching = missing > 0 ? progress.AddTask("fetching tensors", maxValue: missing) : null;
                ProgressTask bar = progress.AddTask("loading blocks");
                return await LocalModel.LoadAsync(
                    options with
                    {
                        Fetched = bytes => fetching!.Value = bytes,
                        Progress = (done, of) =>
                        {
                            bar.MaxValue = of;
                            bar.Value = done;
                        },
                    },
                    context.Interrupts.Polite);
            });
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    public static Tokenizer RequireTokenizer(LanguageModel model) =>
        model.Tokenizer ?? throw new CommandException(nameof(ModelError.UnsupportedModel), $"{model.Name} has no tokenizer");

    /// <summary>The codec's name; auto becomes one when a session opens.</summary>
    public static string Codec(CommandContext context)
    {
        string name = context.Get(CommonSettings.Codec);
        return name == AutoCodec.Name || ActivationCodec.ByName(name) is not null
            ? name
            : throw new UsageException($"--codec: '{name}', expected auto, {string.Join(", ", ActivationCodec.All.Select(codec => codec.Name))}");
    }

    private static EndsMode ReadEnds(string text) => text switch
    {
        "local" => EndsMode.Local,
        "swarm" => EndsMode.Swarm,
        _ => throw new FormatException("local or swarm"),
    };

    private static RouteMode ReadRoute(string text) => text switch
    {
        "latency" => RouteMode.Latency,
        "throughput" => RouteMode.Throughput,
        _ => throw new FormatException("latency or throughput"),
    };
}
