using System.CommandLine;
using Spectre.Console;
using Swarm.Cli.Framework;
using Swarm.Hub;

namespace Swarm.Cli.Commands;

/// <summary>Brings a model of a hub into the cache that programs share; goes on where it was interrupted.</summary>
internal sealed class PullCommand : CommandDefinition
{
    private static readonly TimeSpan EventEvery = TimeSpan.FromSeconds(0.5);

    private static readonly Argument<string?> Model = new("NAME")
    {
        Description = "org/name, org/name:Q4_K_M, org/name:file.gguf; org/name@revision for another than main",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public override string Name => "pull";

    public override string Description => "brings a model from the hub; goes on where it was interrupted";

    public override Argument<string?>? Argument => Model;

    public override async Task<int> RunAsync(CommandContext context)
    {
        string name = context.GetArgument(Model) ?? throw new UsageException("'swarm pull' lacks a NAME: org/name, org/name:Q4_K_M or org/name:file.gguf");
        var reference = HubReference.Parse(name);
        using HubStore store = HubModels.OpenStore(context);
        long start = context.Time.GetTimestamp();
        PulledModel pulled;
        try
        {
            pulled = await PullAsync(context, store, reference);
        }
        catch (OperationCanceledException)
        {
            context.Say($"what came is kept: 'swarm pull {name}' goes on from there");
            throw;
        }

        double seconds = context.Time.GetElapsedTime(start).TotalSeconds;
        if (pulled.Note is not null)
            context.Say(pulled.Note);
        if (context.Events is { } events)
        {
            events.Write("done", json =>
            {
                json.WriteString("name", pulled.Name);
                json.WriteString("path", pulled.Path);
                json.WriteString("revision", pulled.Commit);
                json.WriteNumber("files", pulled.Files);
                json.WriteNumber("bytes", pulled.Bytes);
                json.WriteNumber("transferredBytes", pulled.TransferredBytes);
                json.WriteNumber("seconds", seconds);
            });
            return ExitCode.Done;
        }

        string came = pulled.TransferredBytes == 0 ? "was here already" : $"{Sizes.Bytes(pulled.TransferredBytes)} in {seconds:0.0} s";
        context.Say($"{pulled.Name}: {Sizes.Bytes(pulled.Bytes)} in {pulled.Files} {(pulled.Files == 1 ? "file" : "files")}, {came}; 'swarm serve --model {pulled.Name}' serves it");
        context.Out.WriteLine(pulled.Path);
        return ExitCode.Done;
    }

    private static async Task<PulledModel> PullAsync(CommandContext context, HubStore store, HubReference reference)
    {
        CancellationToken polite = context.Interrupts.Polite;
        if (context.Events is { } events)
            return await store.PullAsync(reference, new Teller(context.Time, events).Tell, polite);
        if (!context.ShowsProgress)
            return await store.PullAsync(reference, null, polite);
        return await context.ErrorConsole.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(async progress =>
            {
                ProgressTask? bar = null;
                return await store.PullAsync(
                    reference,
                    happened =>
                    {
                        bar ??= progress.AddTask(reference.Text, maxValue: happened.Of);
                        bar.Description = Markup.Escape(happened.Transferred == happened.Of ? "checking" : happened.File);
                        bar.Value = happened.Transferred;
                    },
                    polite);
            });
    }

    // Not one event a packet: now and then, and when a file is whole.
    private sealed class Teller(TimeProvider time, EventWriter events)
    {
        private long? _last;

        public void Tell(HubProgress happened)
        {
            if (happened.FileBytes < happened.FileOf && _last is { } last && time.GetElapsedTime(last) < EventEvery)
                return;
            _last = time.GetTimestamp();
            events.Write("pulling", json =>
            {
                json.WriteString("file", happened.File);
                json.WriteNumber("bytes", happened.FileBytes);
                json.WriteNumber("of", happened.FileOf);
                json.WriteNumber("transferredBytes", happened.Transferred);
                json.WriteNumber("missingBytes", happened.Of - happened.Transferred);
            });
        }
    }
}
