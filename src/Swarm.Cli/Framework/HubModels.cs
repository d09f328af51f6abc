using Swarm.Hub;
using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Cli.Framework;

/// <summary>Models of a hub, as commands reach them.</summary>
internal static class HubModels
{
    /// <summary>The hub and the cache that the environment names.</summary>
    public static HubStore OpenStore(CommandContext context) =>
        new(HubOptions.FromEnvironment(context.Host.Environment, context.Time, SystemRandomSource.Instance.NextDouble));

    /// <summary>What a --model names at a hub; null where it is a file, a folder, or no such name.</summary>
    public static HubReference? ReferenceOf(string model) => File.Exists(model) || Directory.Exists(model) ? null : HubReference.TryParse(model);

    /// <summary>Opens a model of a hub: whole as it lies in the cache, or its heads now and its tensors when they are asked for.</summary>
    public static async Task<ModelSource> OpenAsync(CommandContext context, HubReference reference)
    {
        // The store is needed as long as the model: until the program ends.
        HubStore store = OpenStore(context);
        try
        {
            (ModelSource source, string? note) = await store.OpenAsync(reference, progress: null, context.Interrupts.Polite);
            if (note is not null)
                context.Say(note);
            return source;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }
}
