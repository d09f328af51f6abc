using System.Text.Json;
using Spectre.Console;
using Swarm.Cli.Framework;
using Swarm.Hub;

namespace Swarm.Cli.Commands;

/// <summary>The models of this machine: what of each is here, and where.</summary>
internal sealed class ModelsCommand : CommandDefinition
{
    public override string Name => "models";

    public override string Description => "the models on this machine, and what of each is here; 'swarm models rm NAME' removes one";

    public override IReadOnlyList<CommandDefinition> Subcommands { get; } = [new ModelsRemoveCommand()];

    public override bool RunsItself => true;

    public override Task<int> RunAsync(CommandContext context)
    {
        using HubStore store = HubModels.OpenStore(context);
        IReadOnlyList<ShownModel> models = [.. store.List().Select(ShownModel.Of), .. HomeModels.List(context.Home), .. ShownModel.Beside(ModelFolders.Find(AppContext.BaseDirectory))];
        if (context.Events is { } events)
            events.Write("done", json => Write(json, store.CacheFolder, models));
        else
            Draw(context, store.CacheFolder, models);
        return Task.FromResult(ExitCode.Done);
    }

    private static void Write(Utf8JsonWriter json, string cache, IReadOnlyList<ShownModel> models)
    {
        json.WriteString("cache", cache);
        json.WriteStartArray("models");
        foreach (ShownModel model in models)
        {
            json.WriteStartObject();
            json.WriteString("name", model.Name);
            json.WriteString("path", model.Path);
            json.WriteString("revision", model.Revision);
            if (model.Bytes is { } bytes)
                json.WriteNumber("bytes", bytes);
            else
                json.WriteNull("bytes");
            json.WriteNumber("bytesHere", model.BytesHere);
            json.WriteNumber("files", model.Files);
            json.WriteString("family", model.Family);
            json.WriteString("quantization", model.Quantization);
            json.WriteString("source", model.Source);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Draw(CommandContext context, string cache, IReadOnlyList<ShownModel> models)
    {
        Table table = new() { Border = TableBorder.Simple };
        table.AddColumns("model", "family", "size", "here", "revision");
        foreach (ShownModel model in models)
        {
            string here = model.BytesHere == model.Bytes ? "all" : model.Bytes is { } of ? $"{Sizes.Bytes(model.BytesHere)}, {Sizes.Percent((double)model.BytesHere / of)}" : $"{Sizes.Bytes(model.BytesHere)} of an unknown whole";
            table.AddRow(
                Markup.Escape(model.Name), Markup.Escape(model.Family ?? "?"), model.Bytes is { } bytes ? Sizes.Bytes(bytes) : "?", here,
                model.Source switch { "cache" => model.Revision![..12], "swarm" => $"of a swarm, {model.Revision![..12]}", _ => "beside the program" });
        }

        context.OutConsole.Write(table);
        long total = models.Where(model => model.Source == "cache").Sum(model => model.BytesHere);
        context.Say(total == 0 ? $"nothing from a hub in {cache}; 'swarm pull org/name' brings a model" : $"{Sizes.Bytes(total)} in {cache}; 'swarm models rm NAME' removes a model");
    }
}
