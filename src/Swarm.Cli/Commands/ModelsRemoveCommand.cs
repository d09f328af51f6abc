using System.CommandLine;
using Swarm.Cli.Framework;
using Swarm.Hub;
using Swarm.Models;

namespace Swarm.Cli.Commands;

/// <summary>Removes a model from the cache.</summary>
internal sealed class ModelsRemoveCommand : CommandDefinition
{
    private static readonly Argument<string?> Model = new("NAME") { Description = "as 'swarm models' shows it", Arity = ArgumentArity.ZeroOrOne };

    public override string Name => "rm";

    public override string Description => "removes a model from the cache; files that another revision has as well stay";

    public override Argument<string?>? Argument => Model;

    public override Task<int> RunAsync(CommandContext context)
    {
        string name = context.GetArgument(Model) ?? throw new UsageException("'swarm models rm' lacks a NAME as 'swarm models' shows it");
        if (HomeModels.Remove(context.Home, name) is { } gone)
        {
            Tell(context, name, gone.Identity, gone.Files, gone.Bytes);
            return Task.FromResult(ExitCode.Done);
        }

        IReadOnlyList<string> beside = ModelFolders.Find(AppContext.BaseDirectory);
        if (HubReference.TryParse(name) is not { } reference)
        {
            string where = ShownModel.Beside(beside).FirstOrDefault(model => model.Name == name) is { } own ? $"lies in {own.Path}, which is not in the cache: delete it there" : "is no name in the cache, expected org/name as 'swarm models' shows it";
            throw new ModelException(ModelError.InvalidArgument, $"'{name}' {where}");
        }

        using HubStore store = HubModels.OpenStore(context);
        RemovedModel removed = store.Remove(reference);
        Tell(context, removed.Name, removed.Commit, removed.Files, removed.Bytes);
        return Task.FromResult(ExitCode.Done);
    }

    private static void Tell(CommandContext context, string name, string revision, int files, long bytes)
    {
        if (context.Events is { } events)
        {
            events.Write("done", json =>
            {
                json.WriteString("name", name);
                json.WriteString("revision", revision);
                json.WriteNumber("files", files);
                json.WriteNumber("bytes", bytes);
            });
        }
        else
        {
            context.Say($"removed {name}: {files} {(files == 1 ? "file" : "files")}, {Sizes.Bytes(bytes)} free again");
        }
    }
}
